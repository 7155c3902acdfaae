"""Translates members of JSON values, `fromJSON(x).name`, and their comparisons."""

import json
import re
from collections.abc import Callable

from cadence.importing.github.expressions import (
    Expression,
    FunctionCall,
    GitHubExpressionError,
    Index,
    LiteralValue,
    MemberAccess,
)
from cadence.importing.shared.cel import bare

ToCel = Callable[[Expression], str]
"""Returns the CEL text of an expression's value."""


def member(node: Index, to_cel: ToCel, otherwise: str = '""') -> str:
    """Returns a member of a JSON value, or `otherwise` if it does not exist: GitHub's null, which is an empty text."""
    value, guards = _path(node, to_cel)
    return f"({' && '.join(guards)} ? {value} : {otherwise})"


def falsy(value: str) -> str:
    """Returns whether GitHub takes a JSON value for false."""
    return f'({value} in ["", false, 0, null])'


def json_compared(node: Index, other: Expression, operator: str, to_cel: ToCel) -> str:
    """Returns a comparison of a JSON value, which GitHub makes a number if the other side is a number."""
    match other:
        case LiteralValue(None):
            return f"{member(node, to_cel, 'null')} {operator} null"
        case LiteralValue(bool() as truth):
            return f"{to_cel(node)} {operator} {json.dumps(truth)}"
        case LiteralValue(""):
            return f"{'!' if operator == '!=' else ''}{falsy(to_cel(node))}"
        case LiteralValue(str() | int() | float() as literal) if is_number(str(literal)):
            return f"string({bare(to_cel(node))}) {operator} {json.dumps(str(literal))}"
        case Index():
            raise GitHubExpressionError("two JSON values cannot be compared")
        case _:
            return f"{to_cel(node)} {operator} {to_cel(other)}"


def output_compared(node: MemberAccess, other: Expression, operator: str, to_cel: ToCel) -> str:
    """Returns a comparison of a job's output, which is a text, with something that is not a literal text."""
    match operator, other:
        case (("==" | "!="), LiteralValue(int() as number)) if not isinstance(number, bool):
            return f'{to_cel(node)} {operator} "{number}"'
        case (("==" | "!="), LiteralValue(None)):
            return f'{to_cel(node)} {operator} ""'
        case (("==" | "!="), MemberAccess() | FunctionCall("format", _)):
            return f"{to_cel(node)} {operator} {to_cel(other)}"
        case _:
            raise GitHubExpressionError(f"{node} is a text, and compared with something else")


def json_literal(text: str) -> str:
    """Returns the CEL text of the value of a JSON text. Raises GitHubExpressionError."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise GitHubExpressionError("fromJSON() has a text that is not JSON") from None


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _path(node: Expression, to_cel: ToCel) -> tuple[str, list[str]]:
    """Returns the CEL text of a member, and what has to be true so that it exists."""
    match node:
        case Index(operand, LiteralValue(str() as name)) if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            owner, guards = _path(operand, to_cel)
            return f"{owner}.{name}", [*guards, f"has({owner}.{name})"]
        case Index(operand, LiteralValue(int() as number)) if not isinstance(number, bool) and number >= 0:
            owner, guards = _path(operand, to_cel)
            return f"{owner}[{number}]", [*guards, f"size({owner}) > {number}"]
        case Index(operand, (LiteralValue(str()) | MemberAccess() | FunctionCall() | Index()) as key):
            owner, guards = _path(operand, to_cel)
            return f"{owner}[{bare(to_cel(key))}]", [*guards, f"{to_cel(key)} in {owner}"]
        case Index():
            raise GitHubExpressionError("what stands in brackets, or .*, has no counterpart")
        case _:
            return to_cel(node), []
