"""Decides a query on one line: for segments that no index has yet, for live tails, for alert rules.

The meaning of a query is exactly that of a search index.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from cadence.domain.search.query import (
    And,
    Condition,
    Everything,
    Field,
    FieldName,
    FieldPrefix,
    Not,
    Or,
    Pattern,
    Phrase,
    Prefix,
    Query,
    Word,
)
from cadence.domain.search.regex import searches
from cadence.domain.search.tokens import lower, plain, words
from cadence.domain.shared.rfc3339 import milliseconds

StateOf = Callable[[str, str], str]
"""Run id and treatment → the treatment's current state, or an empty text if it is not known any more."""


@dataclass(frozen=True)
class LineOwner:
    """The owner of the lines of a segment."""

    organization: str
    project: str
    pipeline: str
    run_id: str


class Matcher:
    """Decides a query on lines.

    Raises ValueError if the query needs `state` and `state_of` is missing, BadRegex for a bad Pattern.
    """

    def __init__(self, query: Query, state_of: StateOf | None = None) -> None:
        self._since = bound(query.since)
        self._until = bound(query.until)
        self._decides = _compiled(query.where, state_of)

    def matches(self, owner: LineOwner, line: Mapping[str, Any]) -> bool:
        """Returns whether the line matches. `line` is as in a segment (see `log_ports.Line`)."""
        time = line["time"]
        if self._since is not None and time < self._since:
            return False
        if self._until is not None and time >= self._until:
            return False
        return self._decides(_Subject(owner, line))


def bound(time: datetime | None) -> str | None:
    """Returns a bound of a query as lines write times, so that it orders among them.

    Fractions below milliseconds are cut.
    """
    return None if time is None else milliseconds(time)


class _Subject:
    """A line under decision. What takes time to compute is computed once, and only if needed."""

    def __init__(self, owner: LineOwner, line: Mapping[str, Any]) -> None:
        self.owner = owner
        self.line = line

    @cached_property
    def text(self) -> str:
        return plain(self.line["text"])

    @cached_property
    def lowered(self) -> str:
        return lower(self.text)

    @cached_property
    def sequence(self) -> Sequence[str]:
        return words(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(self.sequence)


_Decides = Callable[[_Subject], bool]


def _compiled(condition: Condition, state_of: StateOf | None) -> _Decides:
    match condition:
        case Everything():
            return lambda subject: True
        case Not(part):
            decides = _compiled(part, state_of)
            return lambda subject: not decides(subject)
        case And(parts):
            all_parts = [_compiled(part, state_of) for part in parts]
            return lambda subject: all(decides(subject) for decides in all_parts)
        case Or(parts):
            any_parts = [_compiled(part, state_of) for part in parts]
            return lambda subject: any(decides(subject) for decides in any_parts)
        case Field(name, values):
            value_of, allowed = _value_of(name, state_of), frozenset(values)
            return lambda subject: value_of(subject) in allowed
        case FieldPrefix(name, prefix):
            value_of = _value_of(name, state_of)
            return lambda subject: value_of(subject).startswith(prefix)
        case _:
            return _in_text(condition)


def _in_text(condition: Word | Prefix | Phrase | Pattern) -> _Decides:
    match condition:
        case Pattern(regex):
            is_found = searches(regex)
            return lambda subject: is_found(subject.text)
        case Word(text):
            # Looking for the characters first is many times faster than parting every line into its words.
            return lambda subject: text in subject.lowered and text in subject.words
        case Prefix(text):
            return lambda subject: text in subject.lowered and any(word.startswith(text) for word in subject.sequence)
        case Phrase(sequence, open_ended):
            return _phrase(sequence, open_ended)


def _phrase(phrase: Sequence[str], open_ended: bool) -> _Decides:
    length = len(phrase)
    whole, last = (list(phrase[:-1]), phrase[-1]) if open_ended else (list(phrase), "")

    def decides(subject: _Subject) -> bool:
        if not all(word in subject.lowered for word in phrase):
            return False
        line_words = subject.sequence
        return any(
            line_words[start : start + len(whole)] == whole
            and (not open_ended or line_words[start + length - 1].startswith(last))
            for start in range(len(line_words) - length + 1)
        )

    return decides


def _value_of(name: FieldName, state_of: StateOf | None) -> Callable[[_Subject], str]:
    if name in _OF_OWNER:
        attribute = _OF_OWNER[name]
        return lambda subject: getattr(subject.owner, attribute)
    if name is FieldName.STATE:
        if state_of is None:
            raise ValueError("This query has a condition on `state`, which is not known here.")
        return lambda subject: state_of(subject.owner.run_id, subject.line["treatment"])
    return lambda subject: subject.line.get(name.value) or ""


_OF_OWNER = {
    FieldName.ORGANIZATION: "organization",
    FieldName.PROJECT: "project",
    FieldName.PIPELINE: "pipeline",
    FieldName.RUN: "run_id",
}
