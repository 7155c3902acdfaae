"""Translates a query's condition into the service's query language."""

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
class OpenSearchCondition:
    """What `clause` finds holds all lines that meet the condition; if `exact`, no others."""

    clause: Clause
    exact: bool = True


def translated(condition: Condition, organization: str) -> OpenSearchCondition:
    def each(parts: Sequence[Condition]) -> Sequence[OpenSearchCondition]:
        return [translated(part, organization) for part in parts]

    match condition:
        case Everything():
            return OpenSearchCondition(_ALL)
        case Not(part):
            translation = translated(part, organization)
            # Which of the candidates do not meet it, only the text shows.
            return (
                OpenSearchCondition({"bool": {"must_not": [translation.clause]}})
                if translation.exact
                else OpenSearchCondition(_ALL, exact=False)
            )
        case And(parts):
            return _all_of(each(parts))
        case Or(parts):
            some = each(parts)
            clause = {"bool": {"should": [translation.clause for translation in some], "minimum_should_match": 1}}
            return OpenSearchCondition(clause, all(translation.exact for translation in some))
        case Word() | Prefix() | Phrase() | Pattern():
            return _in_text(condition, each)
        case Field() | FieldPrefix():
            return _of_field(condition, organization)


def _of_field(condition: Field | FieldPrefix, organization: str) -> OpenSearchCondition:
    match condition:
        case Field(FieldName.STATE):
            return OpenSearchCondition(_ALL, exact=False)
        case Field(FieldName.ORGANIZATION, values):
            return OpenSearchCondition(_ALL if organization in values else _NOTHING)
        case FieldPrefix(FieldName.ORGANIZATION, prefix):
            return OpenSearchCondition(_ALL if organization.startswith(prefix) else _NOTHING)
        case Field(name, values):
            return OpenSearchCondition({"terms": {name.value: list(values)}})
        case FieldPrefix(name, prefix):
            return OpenSearchCondition({"prefix": {name.value: prefix}})


def _in_text(
    condition: Word | Prefix | Phrase | Pattern, each: Callable[[Sequence[Condition]], Sequence[OpenSearchCondition]]
) -> OpenSearchCondition:
    match condition:
        case Word(text):
            return OpenSearchCondition({"term": {WORDS: text}})
        case Prefix(text):
            return OpenSearchCondition({"prefix": {WORDS: text}})
        case Phrase(words, open_ended=False):
            return OpenSearchCondition({"match_phrase": {WORDS: " ".join(words)}})
        case Phrase(words):
            # The service silently cuts short a phrase whose last word is the beginning of many.
            complete: Condition = Word(words[0]) if len(words) == 2 else Phrase(tuple(words[:-1]))
            return OpenSearchCondition(_all_of(each([complete, Prefix(words[-1])])).clause, exact=False)
        case Pattern(_, required):
            return OpenSearchCondition(_all_of(each(required)).clause, exact=False)


def _all_of(parts: Sequence[OpenSearchCondition]) -> OpenSearchCondition:
    if not parts:
        return OpenSearchCondition(_ALL)
    return OpenSearchCondition({"bool": {"filter": [part.clause for part in parts]}}, all(part.exact for part in parts))
