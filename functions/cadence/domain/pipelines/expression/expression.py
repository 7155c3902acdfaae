"""Reads an expression: its names, functions and loops, with the limits that keep its evaluation short."""

import re
from dataclasses import dataclass
from functools import cached_property

from cadence.domain.pipelines.expression import cel_library
from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.pipelines.expression.tokens import MAX_LENGTH, ExpressionToken, TokenCategory, tokens

_MOST_SIGNS = 100
_DEEPEST = 32
_SIMPLE = re.compile(r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)+", re.ASCII)
_LOOPS = frozenset({"map", "filter", "all", "exists", "exists_one"})
_NO_NAMES = frozenset({"true", "false", "null", "in"})
_SIGNS_OF_WORK = frozenset("+-*/%!<>?([{") | {"&&", "||", "==", "!=", "<=", ">=", "in"}


@dataclass(frozen=True, slots=True)
class NameUse:
    """A name used in an expression: `event.branch` is ("event", "branch")."""

    path: tuple[str, ...]
    tested: bool = False
    """Whether it stands in `has(…)`, so that it may be missing."""

    def __str__(self) -> str:
        first, *rest = self.path
        return first + "".join(f".{part}" if part.isidentifier() else f"[{part!r}]" for part in rest)


@dataclass(frozen=True, slots=True)
class Loop:
    """A `map`, `filter`, `all`, `exists` or `exists_one`.

    `joins` is how often its body joins values, `sees_names` whether the body uses names other than the loop's variable.
    """

    kind: str
    joins: int
    sees_names: bool


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression. `source` is the text between the braces, `code` the text for the library."""

    source: str
    code: str
    names: tuple[NameUse, ...]
    functions: frozenset[str]
    loops: tuple[Loop, ...]
    joins: int
    """The number of `+` and `,` outside of loops, which is how often values can be joined."""

    @cached_property
    def path(self) -> tuple[str, ...] | None:
        """The parts of the name if the expression is only a name with points, which needs no engine; else None."""
        return self.names[0].path if _SIMPLE.fullmatch(self.source) else None


def read_expression(source: str) -> Expression:
    """Reads an expression without checking its names.

    Raises ExpressionError unless it is CEL within the limits and all its functions exist.
    """
    if not source:
        raise ExpressionError("There is nothing between ${{ and }}.", "Write a name or a condition there.")
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"The expression has more than {MAX_LENGTH:,} characters, which is the most possible.")
    words = list(tokens(source))
    _check_limits(words)
    expression = _Reader(source, words).read()
    if expression.path is None:
        cel_library.compiled(expression.code)
    return expression


def _check_limits(words: list[ExpressionToken]) -> None:
    if sum(token.text in _SIGNS_OF_WORK for token in words) > _MOST_SIGNS:
        raise ExpressionError(
            f"The expression has more than {_MOST_SIGNS} operators and calls.", "Compute it in a treatment instead."
        )
    depth = 0
    for token in words:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth > _DEEPEST:
            raise ExpressionError(f"The expression is nested deeper than {_DEEPEST} levels.")


class _Reader:
    def __init__(self, source: str, words: list[ExpressionToken]) -> None:
        self._source = self._code = source
        self._words = words
        self._names: list[NameUse] = []
        self._functions: set[str] = set()
        self._loops: list[Loop] = []
        self._joins = 0

    def read(self) -> Expression:
        """Reads all words. Raises ExpressionError for an unknown function or a loop within a loop."""
        position = 0
        while position < len(self._words):
            position = self._step(position, bound=None)
        functions = frozenset(self._functions)
        return Expression(
            source=self._source,
            code=self._code,
            names=tuple(self._names),
            functions=functions,
            loops=tuple(self._loops),
            joins=self._joins,
        )

    def _step(self, position: int, bound: str | None) -> int:
        """Reads from one word on and returns the next position; `bound` is the variable of the surrounding loop."""
        token = self._words[position]
        if token.word is TokenCategory.SIGN and token.text in "+,":
            self._joins += 1
        if token.word is not TokenCategory.NAME or token.text in _NO_NAMES:
            return position + 1
        if self._text(position + 1) == "(":
            return self._call(position, bound)
        if self._text(position - 1) == ".":
            return position + 1
        return self._name(position, bound)

    def _call(self, position: int, bound: str | None) -> int:
        name = self._words[position].text
        if name in _LOOPS and self._text(position - 1) == ".":
            return self._loop(position, bound)
        if name == "has":
            end = self._closing(position + 1)
            known = len(self._names)
            self._inside(position + 2, end, bound)
            self._names[known:] = [NameUse(use.path, tested=True) for use in self._names[known:]]
            return end
        if name not in cel_library.FUNCTIONS:
            raise ExpressionError(
                f"There is no function {name}.",
                "The functions are " + ", ".join(sorted(cel_library.FUNCTIONS | _LOOPS | {"has"})) + ".",
                unknown=True,
            )
        if name == cel_library.MATCHES:
            start = self._words[position].start
            self._code = self._code[:start] + cel_library.BOUNDED_MATCHES + self._code[start + len(name) :]
        self._functions.add(name)
        return position + 1

    def _loop(self, position: int, bound: str | None) -> int:
        if bound is not None:
            kind = self._words[position].text
            raise ExpressionError(
                f"{kind} stands inside of another loop.", "Compute lists of lists in a treatment, or in a parameter."
            )
        variable = self._words[position + 2].text if position + 2 < len(self._words) else ""
        end = self._closing(position + 1)
        outside, known = self._joins, len(self._names)
        self._inside(position + 3, end, variable)
        # The comma after the variable joins nothing.
        joins = max(0, self._joins - outside - 1)
        self._joins = outside
        self._loops.append(Loop(self._words[position].text, joins, len(self._names) > known))
        return end

    def _inside(self, position: int, end: int, bound: str | None) -> None:
        while position < end:
            position = self._step(position, bound)

    def _name(self, position: int, bound: str | None) -> int:
        path = [self._words[position].text]
        position += 1
        while (part := self._part(position)) is not None:
            name, position = part
            path.append(name)
        if path[0] != bound:
            self._names.append(NameUse(tuple(path)))
        return position

    def _part(self, position: int) -> tuple[str, int] | None:
        """Returns the part of a name at a position, `.x` or `['x']`, and the position after it."""
        sign, name = self._text(position), self._token(position + 1)
        if name is None:
            return None
        if sign == "." and name.word is TokenCategory.NAME and self._text(position + 2) != "(":
            return name.text, position + 2
        if (
            sign == "["
            and self._text(position + 2) == "]"
            and name.word is TokenCategory.TEXT
            and name.text[0] in "'\""
        ):
            text = name.text[1:-1]
            if "\\" not in text and not name.text.startswith(("'''", '"""')):
                return text, position + 3
        return None

    def _closing(self, position: int) -> int:
        """Returns where the bracket that opens at a position is closed (the end of the words if it is not)."""
        depth = 0
        for index in range(position, len(self._words)):
            text = self._words[index].text
            depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
            if depth == 0:
                return index
        return len(self._words)

    def _text(self, position: int) -> str:
        token = self._token(position)
        return "" if token is None or token.word is TokenCategory.TEXT else token.text

    def _token(self, position: int) -> ExpressionToken | None:
        return self._words[position] if 0 <= position < len(self._words) else None
