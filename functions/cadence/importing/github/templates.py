"""Texts with expressions of GitHub Actions, and small pieces of them."""

import re

from cadence.importing.github.expressions import Expression, GitHubExpressionError, LiteralValue, parse
from cadence.importing.shared.names import slug


def split(text: str) -> list[str]:
    """The texts and expressions in turn: text, expression, text, …"""
    parts: list[str] = []
    at = 0
    while (start := text.find("${{", at)) >= 0 and (end := text.find("}}", start)) >= 0:
        parts += [text[at:start], text[start + 3 : end]]
        at = end + 2
    return [*parts, text[at:]]


def only_expression(text: str) -> Expression | None:
    """The expression that a text is, if it is one and nothing else."""
    parts = split(text)
    if len(parts) != 3 or parts[0].strip() or parts[2].strip():
        return None
    try:
        return parse(parts[1])
    except GitHubExpressionError:
        return None


def axis_name(name: str) -> str:
    return slug(name, "_", "axis")


def placed(cel: str) -> str:
    """An expression inside a text; a literal text stands for itself."""
    literal = re.fullmatch(r'"((?:[^"\\$])*)"', cel)
    return literal[1] if literal else f"${{{{ {cel} }}}}"


def is_true(node: Expression) -> bool:
    return isinstance(node, LiteralValue) and bool(node.value)
