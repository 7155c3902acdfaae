"""Reads texts that contain expressions."""

import re
from dataclasses import dataclass
from functools import lru_cache

from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.pipelines.expression.expression import Expression, read_expression
from cadence.domain.pipelines.expression.tokens import end_of_expression

_OPENING = re.compile(r"\$?\$\{\{")
_ESCAPED = "$${{"
MAX_EXPRESSIONS = 50
"""Expressions in one text."""
_SHORT = 2_500
"""Characters of the templates that are cached: the cache for many documents has to fit into memory."""


@dataclass(frozen=True, slots=True)
class Template:
    """Plain texts and expressions in turn."""

    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The expressions, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @property
    def whole(self) -> Expression | None:
        """The expression, if the template is nothing else: its value then keeps its type."""
        match [part for part in self.parts if isinstance(part, Expression) or part.strip()]:
            case [Expression() as only]:
                return only
            case _:
                return None


def holds_expression(value: object) -> bool:
    """Whether a value is a text that has to be read as a template (also for `$${{`, which is an escape)."""
    return isinstance(value, str) and "${{" in value


def read_template(text: str) -> Template:
    """Reads a text with expressions. Raises ExpressionError for one that cannot be read.

    Documents repeat themselves, so short templates are cached.
    """
    return _short(text) if len(text) <= _SHORT else _read(text)


@lru_cache(maxsize=16_384)
def _short(text: str) -> Template:
    return _read(text)


def _read(text: str) -> Template:
    parts: list[str | Expression] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        if len(parts) >= 2 * MAX_EXPRESSIONS:
            raise ExpressionError(f"One text can hold {MAX_EXPRESSIONS} expressions at most.", "Split it.")
        parts.append(text[position : opening.start()])
        position = opening.end()
        if opening[0] == _ESCAPED:
            parts.append("${{")
            continue
        end = end_of_expression(text, position)
        parts.append(read_expression(text[position:end].strip()))
        position = end + 2
    parts.append(text[position:])
    return Template(tuple(part for part in parts if part != ""))
