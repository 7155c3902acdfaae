"""Decides a query on one line: for segments that no index has yet, for live tails, for alert rules.

It means by a query exactly what a search index means by it.
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
"""Run id and treatment → the treatment's state now, or an empty text for one that is not known any more."""


@dataclass(frozen=True)
class LineOwner:
    """Whose the lines of a segment are."""

    organization: str
    project: str
    pipeline: str
    run_id: str


class Matcher:
    """Raises ValueError if asked for `state` without being told how to find it out, BadRegex for a bad Pattern."""

    def __init__(self, query: Query, state_of: StateOf | None = None) -> None:
        self._since = bound(query.since)
        self._until = bound(query.until)
        self._decides = _compiled(query.where, state_of)

    def __call__(self, owner: LineOwner, line: Mapping[str, Any]) -> bool:
        """`line` as in a segment (see `log_ports.Line`)."""
        time = line["time"]
        if self._since is not None and time < self._since:
            return False
        if self._until is not None and time >= self._until:
            return False
        return self._decides(_Subject(owner, line))


def bound(time: datetime | None) -> str | None:
    """A bound of a query as lines write times, so that it orders among them. Fractions below milliseconds are cut."""
    return None if time is None else milliseconds(time)


class _Subject:
    """A line under decision; what takes time to find out is found out once, and only if asked for."""

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
            each = [_compiled(part, state_of) for part in parts]
            return lambda subject: all(decides(subject) for decides in each)
        case Or(parts):
            some = [_compiled(part, state_of) for part in parts]
            return lambda subject: any(decides(subject) for decides in some)
        case Field(name, values):
            value_of, wanted = _value_of(name, state_of), frozenset(values)
            return lambda subject: value_of(subject) in wanted
        case FieldPrefix(name, prefix):
            value_of = _value_of(name, state_of)
            return lambda subject: value_of(subject).startswith(prefix)
        case _:
            return _in_text(condition)


def _in_text(condition: Word | Prefix | Phrase | Pattern) -> _Decides:
    match condition:
        case Pattern(regex):
            found = searches(regex)
            return lambda subject: found(subject.text)
        case Word(text):
            # Looking for the characters first is many times faster than parting every line into its words.
            return lambda subject: text in subject.lowered and text in subject.words
        case Prefix(text):
            return lambda subject: text in subject.lowered and any(word.startswith(text) for word in subject.sequence)
        case Phrase(sequence, open_ended):
            return _phrase(sequence, open_ended)


def _phrase(wanted: Sequence[str], open_ended: bool) -> _Decides:
    length = len(wanted)
    whole, last = (list(wanted[:-1]), wanted[-1]) if open_ended else (list(wanted), "")

    def decides(subject: _Subject) -> bool:
        if not all(word in subject.lowered for word in wanted):
            return False
        there = subject.sequence
        return any(
            there[start : start + len(whole)] == whole
            and (not open_ended or there[start + length - 1].startswith(last))
            for start in range(len(there) - length + 1)
        )

    return decides


def _value_of(name: FieldName, state_of: StateOf | None) -> Callable[[_Subject], str]:
    if name in _OF_OWNER:
        attribute = _OF_OWNER[name]
        return lambda subject: getattr(subject.owner, attribute)
    if name is FieldName.STATE:
        if state_of is None:
            raise ValueError("This query asks for states, which are not known here.")
        return lambda subject: state_of(subject.owner.run_id, subject.line["treatment"])
    return lambda subject: subject.line.get(name.value) or ""


_OF_OWNER = {
    FieldName.ORGANIZATION: "organization",
    FieldName.PROJECT: "project",
    FieldName.PIPELINE: "pipeline",
    FieldName.RUN: "run_id",
}
