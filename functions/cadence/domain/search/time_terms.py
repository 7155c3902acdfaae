"""The times of a query: they stand among its terms, and hold for all of it."""

from collections.abc import Sequence
from datetime import datetime

from cadence.domain.search import times
from cadence.domain.search.lexing import BadQuery, Term, TokenKind

_NOWHERE = Term(kind=TokenKind.TEXT, text="", position=0)


def without_times(all_terms: Sequence[Term], now: datetime) -> tuple[list[Term], datetime | None, datetime | None]:
    """Returns the other terms, and since when and until when lines are searched. Raises BadQuery."""
    bounds = _Bounds(now)
    others: list[Term] = []
    depth = 0
    dropped = -1
    for index, term in enumerate(all_terms):
        depth += {TokenKind.OPEN: 1, TokenKind.CLOSE: -1}.get(term.kind, 0)
        if index == dropped:
            continue
        if not bounds.take(term):
            others.append(term)
            continue
        before = all_terms[index - 1] if index else _NOWHERE
        after = all_terms[index + 1] if index + 1 < len(all_terms) else _NOWHERE
        if depth > 0 or before.kind in (TokenKind.NOT, TokenKind.OR) or after.kind is TokenKind.OR:
            hint = "Put it beside all the rest, outside of brackets and without -, NOT and OR."
            raise BadQuery("A time holds for the whole query", term.position, hint)
        if after.kind is TokenKind.AND:
            dropped = index + 1
        elif others and others[-1].kind is TokenKind.AND:
            others.pop()
    return others, *bounds.checked()


class _Bounds:
    """Collects the times of a query."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._position = 0

    def take(self, term: Term) -> bool:
        """Returns whether the term is a time, and stores it if so."""
        if term.kind is TokenKind.FIELD and term.text in ("since", "until"):
            if len(term.values) > 1:
                raise BadQuery(f"{term.text} takes one time", term.values[1].position, times.HINT)
            value = term.values[0]
            begin, end = (value.text, "") if term.text == "since" else ("", value.text)
            self._set(begin, end, value.position)
            return True
        if term.kind is TokenKind.TEXT and ".." in term.text:
            begin, _, end = term.text.partition("..")
            if (begin or end) and all(times.looks_like_time(part) for part in (begin, end) if part):
                self._set(begin, end, term.position)
                return True
        return False

    def checked(self) -> tuple[datetime | None, datetime | None]:
        """Returns both bounds. Raises BadQuery if no line can be between them."""
        if self._since and self._since > self._now:
            raise BadQuery(
                "The query begins in the future", self._position, "There are no lines yet: choose an earlier time."
            )
        if self._since and self._until and self._since >= self._until:
            hint = f"It would begin at {self._since:%Y-%m-%dT%H:%M:%SZ} and end at {self._until:%Y-%m-%dT%H:%M:%SZ}."
            raise BadQuery("The query ends before it begins", self._position, hint)
        return self._since, self._until

    def _set(self, begin: str, end: str, position: int) -> None:
        if (begin and self._since) or (end and self._until):
            raise BadQuery("The query already has such a time", position, "Leave one of them out.")
        try:
            self._since = times.since(begin, self._now) if begin else self._since
            self._until = times.until(end, self._now) if end else self._until
        except times.NoTime as error:
            raise BadQuery(str(error), position, times.HINT) from None
        self._position = position
