"""Cuts the text of a query into its terms, each with its position."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from cadence.domain.shared.errors import InvalidRequest, Violation


class BadQuery(InvalidRequest):
    """A query is not valid: `what` is wrong, where (`position`, in characters from 0) and what to do (`hint`)."""

    def __init__(self, what: str, position: int, hint: str) -> None:
        message = f"{what} (at character {position + 1}). {hint}"
        super().__init__(message, [Violation("q", message, "bad_query")], position=position, hint=hint)


class TokenKind(Enum):
    """The kind of a term."""

    TEXT = "text"  # a bare word, as it stands
    QUOTED = "quoted"  # "…", without its quotes; `open_ended` if a * follows
    REGEX = "regex"  # /…/, without its slashes
    FIELD = "field"  # name:, with its values in `values`
    OPEN = "("
    CLOSE = ")"
    NOT = "NOT"
    AND = "AND"
    OR = "OR"


@dataclass(frozen=True)
class QueryValue:
    """One value of a field term."""

    text: str
    position: int
    quoted: bool


@dataclass(frozen=True, kw_only=True)
class Term:
    """One term of a query. `position` counts characters from 0."""

    kind: TokenKind
    text: str
    position: int
    open_ended: bool = False
    ignores_case: bool = False
    values: tuple[QueryValue, ...] = ()


_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r"([A-Za-z_]+):(?![:/\s]|$)")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/(i?)(?=[\s()]|$)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r'[^\s()"]+')
_VALUE = re.compile(r'[^\s()",]+')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPERATORS = {"NOT": TokenKind.NOT, "AND": TokenKind.AND, "OR": TokenKind.OR}


def terms(query: str) -> Iterator[Term]:
    """Returns the terms of a query. Raises BadQuery for text that is no term."""
    position = _SPACE.match(query, 0).end()  # type: ignore[union-attr]
    while position < len(query):
        term, position = _term(query, position)
        yield term
        position = _SPACE.match(query, position).end()  # type: ignore[union-attr]


def _term(query: str, position: int) -> tuple[Term, int]:
    first = query[position]
    if first in "()":
        return Term(kind=TokenKind(first), text=first, position=position), position + 1
    if first == "-" and query[position + 1 : position + 2] not in ("", " ", "-", ")"):
        return Term(kind=TokenKind.NOT, text=first, position=position), position + 1
    if first == '"':
        text, end = _quoted(query, position)
        open_ended = query.startswith("*", end)
        return Term(kind=TokenKind.QUOTED, text=text, position=position, open_ended=open_ended), end + open_ended
    if regex := _REGEX.match(query, position):
        return Term(kind=TokenKind.REGEX, text=regex[1], position=position, ignores_case=bool(regex[2])), regex.end()
    if field := _FIELD.match(query, position):
        values, end = _values(query, field.end())
        return Term(kind=TokenKind.FIELD, text=field[1].lower(), position=position, values=tuple(values)), end
    bare = _BARE.match(query, position)
    assert bare, "a term that begins with no space, bracket or quote"
    return Term(kind=_OPERATORS.get(bare[0], TokenKind.TEXT), text=bare[0], position=position), bare.end()


def _quoted(query: str, position: int) -> tuple[str, int]:
    quoted = _QUOTED.match(query, position)
    if not quoted:
        raise BadQuery("This quote is not closed", position, 'End it with ", or write \\" for a quote inside quotes.')
    return _ESCAPE.sub(r"\1", quoted[1]), quoted.end()


def _values(query: str, position: int) -> tuple[list[QueryValue], int]:
    values: list[QueryValue] = []
    while True:
        if query.startswith('"', position):
            text, end = _quoted(query, position)
            values.append(QueryValue(text, position, quoted=True))
        elif bare := _VALUE.match(query, position):
            values.append(QueryValue(bare[0], position, quoted=False))
            end = bare.end()
        else:
            raise BadQuery("A value is missing", position, "Write field:value, or field:one,another for any of them.")
        if not query.startswith(",", end):
            return values, end
        position = end + 1
