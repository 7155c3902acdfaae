"""Splits expressions into words: enough of CEL's grammar to find their end, their names and their loops."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from cadence.domain.pipelines.expression.errors import ExpressionError

MAX_LENGTH = 2_000
"""Characters of an expression."""
_FURTHEST = MAX_LENGTH + 100
"""Characters in which the end of an expression is searched: blanks around it do not count."""


class TokenCategory(Enum):
    """The category of a word."""

    BLANK = auto()
    TEXT = auto()
    NUMBER = auto()
    NAME = auto()
    SIGN = auto()


@dataclass(frozen=True, slots=True)
class ExpressionToken:
    """A word of an expression, with its offset in the text."""

    word: TokenCategory
    text: str
    start: int


_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
    |(?P<text>[bBrR]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<number>0x[0-9a-fA-F]+[uU]?|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[=!<>]=|[^\s'"])
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = {
    "blank": TokenCategory.BLANK,
    "text": TokenCategory.TEXT,
    "number": TokenCategory.NUMBER,
    "name": TokenCategory.NAME,
    "sign": TokenCategory.SIGN,
}


def tokens(text: str, start: int = 0) -> Iterator[ExpressionToken]:
    """Yields the words from `start` on, without blanks and comments.

    Raises ExpressionError for a quote that is not closed.
    """
    position = start
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError("A quote is not closed.", "A text begins and ends with the same quote, in one line.")
        position = match.end()
        kind = _WORDS[match.lastgroup or "blank"]
        if kind is not TokenCategory.BLANK:
            yield ExpressionToken(kind, match[0], match.start())


def end_of_expression(text: str, start: int) -> int:
    """Returns the offset of the `}}` that closes the expression at `start`. Raises ExpressionError if there is none."""
    window = text[start : start + _FURTHEST]
    depth = 0
    try:
        for token in tokens(window):
            if token.text == "{":
                depth += 1
            elif token.text == "}":
                if depth == 0 and window.startswith("}}", token.start):
                    return start + token.start
                depth -= 1
    except ExpressionError:
        if len(window) < _FURTHEST:
            raise
    if len(window) == _FURTHEST:
        raise ExpressionError(f"The expression has more than {MAX_LENGTH:,} characters, which is the most possible.")
    raise ExpressionError("An expression is not closed with }}.", "Write $${{ if no expression is meant.")
