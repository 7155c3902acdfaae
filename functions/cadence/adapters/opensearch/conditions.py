"""A query's condition in the service's own terms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.adapters.opensearch.indices import WORDS
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
    Word,
)

Clause = dict[str, Any]
_ALL: Clause = {"match_all": {}}
_NOTHING: Clause = {"match_none": {}}


@dataclass(frozen=True)
class Translated:
    """What `clause` finds holds all lines that meet the condition; if `exact`, no others."""

    clause: Clause
    exact: bool = True


def translated(condition: Condition, organization: str) -> Translated:
    def each(parts: Sequence[Condition]) -> Sequence[Translated]:
        return [translated(part, organization) for part in parts]

    match condition:
        case Everything():
            return Translated(_ALL)
        case Not(part):
            its = translated(part, organization)
            # Which of those that may meet it do not, only the text tells.
            return Translated({"bool": {"must_not": [its.clause]}}) if its.exact else Translated(_ALL, exact=False)
        case And(parts):
            return _all_of(each(parts))
        case Or(parts):
            some = each(parts)
            clause = {"bool": {"should": [its.clause for its in some], "minimum_should_match": 1}}
            return Translated(clause, all(its.exact for its in some))
        case Word() | Prefix() | Phrase() | Pattern():
            return _in_text(condition, each)
        case Field() | FieldPrefix():
            return _of_field(condition, organization)


def _of_field(condition: Field | FieldPrefix, organization: str) -> Translated:
    match condition:
        case Field(FieldName.STATE):
            return Translated(_ALL, exact=False)
        case Field(FieldName.ORGANIZATION, values):
            return Translated(_ALL if organization in values else _NOTHING)
        case FieldPrefix(FieldName.ORGANIZATION, prefix):
            return Translated(_ALL if organization.startswith(prefix) else _NOTHING)
        case Field(name, values):
            return Translated({"terms": {name.value: list(values)}})
        case FieldPrefix(name, prefix):
            return Translated({"prefix": {name.value: prefix}})


def _in_text(
    condition: Word | Prefix | Phrase | Pattern, each: Callable[[Sequence[Condition]], Sequence[Translated]]
) -> Translated:
    match condition:
        case Word(text):
            return Translated({"term": {WORDS: text}})
        case Prefix(text):
            return Translated({"prefix": {WORDS: text}})
        case Phrase(words, open_ended=False):
            return Translated({"match_phrase": {WORDS: " ".join(words)}})
        case Phrase(words):
            # A phrase whose last word is the beginning of many is cut short by the service, without a word about it.
            whole: Condition = Word(words[0]) if len(words) == 2 else Phrase(tuple(words[:-1]))
            return Translated(_all_of(each([whole, Prefix(words[-1])])).clause, exact=False)
        case Pattern(_, required):
            return Translated(_all_of(each(required)).clause, exact=False)


def _all_of(parts: Sequence[Translated]) -> Translated:
    if not parts:
        return Translated(_ALL)
    return Translated({"bool": {"filter": [part.clause for part in parts]}}, all(part.exact for part in parts))
