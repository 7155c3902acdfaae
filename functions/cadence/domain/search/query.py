"""Queries for log lines: a condition on one line, and the times between which it lies.

`parse.py` makes a query from text, `matching.py` decides it on a line, the search index translates it to its own terms.
All three agree on its meaning; `tokens.py` defines what a *word* is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FieldName(StrEnum):
    """The fields of a line beside its text. The values are the names in the query language."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    PIPELINE = "pipeline"
    RUN = "run"
    TREATMENT = "treatment"
    RUNNER = "runner"
    POOL = "pool"  # empty for lines that were written before pools were noted
    STREAM = "stream"
    LEVEL = "level"
    STATE = "state"  # the current one of the line's treatment: the only field that is not stored with the line


@dataclass(frozen=True)
class Everything:
    """Matches every line."""


@dataclass(frozen=True)
class Word:
    """The text has this word.

    `text` is one of `tokens.words(…)`: in lower case, and never longer than a token may be.
    """

    text: str


@dataclass(frozen=True)
class Prefix:
    """The text has a word that begins with `text` (in lower case, not empty, made of characters of words)."""

    text: str


@dataclass(frozen=True)
class Phrase:
    """The text has these words one right after the other, at least two. With `open_ended` the last is a prefix."""

    words: tuple[str, ...]
    open_ended: bool = False


@dataclass(frozen=True)
class Pattern:
    """The regular expression is found somewhere in the whole text as written, with case, punctuation and spaces.

    An index of words cannot decide this: it narrows down by `required` (conditions that every matching line meets, each
    a Word, Prefix or Phrase; may be empty), and `matching.py` decides on each candidate's text.
    """

    regex: str
    required: tuple["Word | Prefix | Phrase", ...] = ()


@dataclass(frozen=True)
class Field:
    """The field's value is one of `values`, compared as it stands.

    `state` cannot be decided by an index (see FieldName).
    """

    name: FieldName
    values: tuple[str, ...]


@dataclass(frozen=True)
class FieldPrefix:
    """The field's value begins with `prefix` (never of `state`)."""

    name: FieldName
    prefix: str


@dataclass(frozen=True)
class Not:
    """The line does not meet `part`."""

    part: "Condition"


@dataclass(frozen=True)
class And:
    """The line meets all of `parts`, at least two."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    """The line meets one of `parts`, at least two."""

    parts: tuple["Condition", ...]


Condition = Everything | Word | Prefix | Phrase | Pattern | Field | FieldPrefix | Not | And | Or


@dataclass(frozen=True)
class Query:
    """Lines that meet `where`, with `since <= time < until` (UTC; None: without bound)."""

    where: Condition
    since: datetime | None = None
    until: datetime | None = None


EVERY_LINE = Query(Everything())


def leaves(condition: Condition) -> Iterator[Condition]:
    """Returns all conditions in `condition` that have no parts, negated or not."""
    if isinstance(condition, Not):
        yield from leaves(condition.part)
    elif isinstance(condition, And | Or):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def asks_for_state(condition: Condition) -> bool:
    """Returns whether the condition needs the state of treatments."""
    return any(isinstance(leaf, Field) and leaf.name is FieldName.STATE for leaf in leaves(condition))
