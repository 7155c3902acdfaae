"""Reads the expressions of GitHub Actions: `github.ref == 'refs/heads/main' && !cancelled()`."""

import re
from dataclasses import dataclass

_LONGEST = 4_000
_DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))|(?P<text>'(?:[^']|'')*')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<symbol>&&|\|\||[!=<>]=|[!<>()\[\].,*])|(?P<end>\Z)|(?P<other>.))"""
)


class GitHubExpressionError(ValueError):
    """The text is not an expression, or has a part without a counterpart; the message names it."""


@dataclass(frozen=True, slots=True)
class LiteralValue:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """A context and a path in it, such as `github.event.inputs.name`; `None` stands for `.*`."""

    path: tuple[str | None, ...]

    def __str__(self) -> str:
        return ".".join(part or "*" for part in self.path)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A member or an item of a computed value, such as `fromJSON(x).name`; `None` stands for `.*`."""

    operand: "Expression"
    key: "Expression | None"


@dataclass(frozen=True, slots=True)
class Negation:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"


Expression = LiteralValue | MemberAccess | FunctionCall | Index | Negation | Binary

_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))


def parse(text: str) -> Expression:
    """Parses an expression. Raises GitHubExpressionError."""
    if len(text) > _LONGEST:
        raise GitHubExpressionError(f"it is longer than {_LONGEST:,} characters")
    reader = _ExpressionReader(text)
    expression = reader.binary(0, 0)
    reader.expect("end", "")
    return expression


class _ExpressionReader:
    def __init__(self, text: str) -> None:
        self._tokens = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _TOKEN.finditer(text)]
        self._next = 0

    def binary(self, level: int, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise GitHubExpressionError("it is nested too deeply")
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self.binary(level + 1, depth)
        while self._peek() in {("symbol", operator) for operator in _LEVELS[level]}:
            operator = self._take()[1]
            left = Binary(operator, left, self.binary(level + 1, depth))
        return left

    def expect(self, kind: str, symbol: str) -> None:
        found = self._take()
        if found != (kind, symbol):
            raise GitHubExpressionError(f"there is {found[1] or 'its end'} where {symbol or 'its end'} belongs")

    def _unary(self, depth: int) -> Expression:
        kind, text = self._take()
        if (kind, text) == ("symbol", "!"):
            if depth > _DEEPEST:
                raise GitHubExpressionError("it is nested too deeply")
            return Negation(self._unary(depth + 1))
        if (kind, text) == ("symbol", "("):
            inner = self.binary(0, depth + 1)
            self.expect("symbol", ")")
            return self._indexed(inner, depth)
        if kind == "number":
            return LiteralValue(int(text, 0) if re.fullmatch(r"-?(0x[0-9a-fA-F]+|[1-9]\d*|0)", text) else float(text))
        if kind == "text":
            return LiteralValue(text[1:-1].replace("''", "'"))
        if kind == "name":
            return self._named(text, depth)
        raise GitHubExpressionError(f"there is {text or 'its end'} where a value belongs")

    def _named(self, name: str, depth: int) -> Expression:
        constants: dict[str, bool | None] = {"true": True, "false": False, "null": None}
        if name in constants:
            return LiteralValue(constants[name])
        if self._accept("("):
            return self._indexed(FunctionCall(name.lower(), self._arguments(depth)), depth)
        path: list[str | None] = [name]
        while True:
            if self._accept("."):
                path.append(self._member())
            elif self._accept("["):
                kind, part = self._take()
                if kind not in ("text", "number") and part != "*":
                    raise GitHubExpressionError("only a text, a number or * can stand in brackets")
                path.append(None if part == "*" else part.strip("'"))
                self.expect("symbol", "]")
            else:
                return MemberAccess(tuple(path))

    def _member(self) -> str | None:
        kind, part = self._take()
        if kind != "name" and part != "*":
            raise GitHubExpressionError(f"there is {part or 'its end'} where a name belongs")
        return None if part == "*" else part

    def _indexed(self, operand: Expression, depth: int) -> Expression:
        """Returns the member or item that is asked of a computed value; the value itself if none is."""
        while True:
            if self._accept("."):
                name = self._member()
                operand = Index(operand, None if name is None else LiteralValue(name))
            elif self._accept("["):
                operand = Index(operand, None if self._accept("*") else self.binary(0, depth + 1))
                self.expect("symbol", "]")
            else:
                return operand

    def _arguments(self, depth: int) -> tuple[Expression, ...]:
        arguments: list[Expression] = []
        if self._accept(")"):
            return ()
        while True:
            arguments.append(self.binary(0, depth + 1))
            if self._accept(")"):
                return tuple(arguments)
            self.expect("symbol", ",")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[min(self._next, len(self._tokens) - 1)]

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._next += 1
        return token

    def _accept(self, symbol: str) -> bool:
        found = self._peek() == ("symbol", symbol)
        self._next += found
        return found
