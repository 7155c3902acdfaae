"""Parses the query language. docs/search.md explains it to its users.

either  = all { "OR" all }
all     = one { ["AND"] one }
one     = ("-" | "NOT") one | "(" either ")" | term
term    = word | word* | "a phrase" | /regex/ | field:value,value | since:time | until:time | time..time
"""

from collections.abc import Sequence
from datetime import datetime

from cadence.domain.search.fields import field_condition
from cadence.domain.search.lexing import BadQuery, Term, TokenKind, terms
from cadence.domain.search.query import And, Condition, Everything, Not, Or, Query
from cadence.domain.search.text_terms import text_condition
from cadence.domain.search.time_terms import without_times

LONGEST_QUERY = 1024  # characters
_MOST_TERMS = 64
_MOST_REGEXES = 8
_DEEPEST = 16


def parse(text: str, now: datetime) -> Query:
    """Returns the query; `now` is what `2h` counts from.

    Raises BadQuery, with the position of what is wrong and what to write instead.
    """
    if len(text) > LONGEST_QUERY:
        hint = f"At most {LONGEST_QUERY} characters are possible."
        raise BadQuery(f"The query has {len(text)} characters", LONGEST_QUERY, hint)
    all_terms = list(terms(text))
    _bound(all_terms)
    conditions, since, until = without_times(all_terms, now)
    return Query(_Parser(conditions, len(text)).whole(), since, until)


def _bound(all_terms: Sequence[Term]) -> None:
    if len(all_terms) > _MOST_TERMS:
        raise BadQuery(
            "The query has too many terms", all_terms[_MOST_TERMS].position, f"At most {_MOST_TERMS} are possible."
        )
    regexes = [term for term in all_terms if term.kind is TokenKind.REGEX]
    if len(regexes) > _MOST_REGEXES:
        hint = f"At most {_MOST_REGEXES} are possible. Put alternatives into one: /a|b/."
        raise BadQuery("The query has too many regular expressions", regexes[_MOST_REGEXES].position, hint)


class _Parser:
    def __init__(self, all_terms: Sequence[Term], end: int) -> None:
        self._terms = all_terms
        self._next = 0
        self._end = end

    def whole(self) -> Condition:
        if not self._terms:
            return Everything()
        condition = self._either(0)
        if term := self._peek():
            raise BadQuery("This bracket was never opened", term.position, 'Remove it, or write it in quotes: ")".')
        return condition

    def _either(self, depth: int) -> Condition:
        parts = [self._all(depth)]
        while self._accept(TokenKind.OR):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while (term := self._peek()) and term.kind not in (TokenKind.OR, TokenKind.CLOSE):
            self._accept(TokenKind.AND)
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Condition:
        term = self._peek()
        if term is None:
            raise BadQuery("A condition is missing at the end", self._end, "Write one, or remove what stands before.")
        if depth > _DEEPEST:
            raise BadQuery("The query is nested too deeply", term.position, f"At most {_DEEPEST} levels are possible.")
        self._next += 1
        if term.kind is TokenKind.NOT:
            return Not(self._one(depth + 1))
        if term.kind is TokenKind.OPEN:
            condition = self._either(depth + 1)
            if not self._accept(TokenKind.CLOSE):
                raise BadQuery("This bracket is not closed", term.position, 'Close it with ")".')
            return condition
        if term.kind in (TokenKind.AND, TokenKind.OR, TokenKind.CLOSE):
            hint = "Write one, or write this in quotes if it is text to look for."
            raise BadQuery(f"A condition is missing before {term.text}", term.position, hint)
        return field_condition(term) if term.kind is TokenKind.FIELD else text_condition(term)

    def _peek(self) -> Term | None:
        return self._terms[self._next] if self._next < len(self._terms) else None

    def _accept(self, kind: TokenKind) -> bool:
        term = self._peek()
        accepted = term is not None and term.kind is kind
        self._next += accepted
        return accepted
