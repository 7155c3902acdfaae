"""The words of an expression: enough of CEL's grammar to find its end, its names and its loops."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from cadence.domain.pipelines.expression.errors import ExpressionError

MAX_LENGTH = 2_000
"""Of an expression, in characters."""
_FURTHEST = MAX_LENGTH + 100
"""How far its end is looked for: blanks around it do not count."""


class TokenCategory(Enum):
    BLANK = auto()
    TEXT = auto()
    NUMBER = auto()
    NAME = auto()
    SIGN = auto()


@dataclass(frozen=True, slots=True)
class ExpressionToken:
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
    """The words from `start` on, blanks and comments left out. Raises ExpressionError for a quote that is not closed."""
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
    """Where the `}}` is that closes the expression that begins at `start`. Raises ExpressionError if there is none."""
    near = text[start : start + _FURTHEST]
    depth = 0
    try:
        for token in tokens(near):
            if token.text == "{":
                depth += 1
            elif token.text == "}":
                if depth == 0 and near.startswith("}}", token.start):
                    return start + token.start
                depth -= 1
    except ExpressionError:
        if len(near) < _FURTHEST:
            raise
    if len(near) == _FURTHEST:
        raise ExpressionError(f"The expression has more than {MAX_LENGTH:,} characters, which is the most possible.")
    raise ExpressionError("An expression is not closed with }}.", "Write $${{ if no expression is meant.")
