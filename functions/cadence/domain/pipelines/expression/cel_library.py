"""Loads the library that reads and evaluates CEL at the first expression that needs it, and lists its functions."""

import logging
import re
import sys
import types
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.shared.display import shown

if TYPE_CHECKING:
    import cel

NATIVE = frozenset(
    {
        "bytes",
        "contains",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "int",
        "size",
        "startsWith",
        "timestamp",
        "type",
        "uint",
    }
    | {"getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds"}
    | {"getMinutes", "getMonth", "getSeconds"}
)
OWN = frozenset(
    {
        "fromJson",
        "join",
        "lowerAscii",
        "matches",
        "replace",
        "split",
        "string",
        "substring",
        "toJson",
        "trim",
        "upperAscii",
    }
)
FUNCTIONS = NATIVE | OWN
"""All functions, apart from the loops and `has`."""

# The library's own `matches` takes minutes for some patterns and cannot be replaced under its name: programs call ours
# by another name, of equal length so that positions in the text stay right.
MATCHES, BOUNDED_MATCHES = "matches", "matche_"
_SHORT = 200
"""Characters of a short expression. A program takes up to 100 bytes for each, so that fewer long ones are cached."""
_SYNTAX = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")


@cache
def library() -> Any:
    """Returns the library without its command line, whose import would take twenty times as long as all the rest."""
    if "cel" not in sys.modules:
        sys.modules["cel.cli"] = types.ModuleType("cel.cli")
    import cel

    # The errors that it logs are raised as well.
    logging.getLogger("cel").disabled = True
    return cel


def compiled(code: str) -> "cel.Program":
    """Returns the program of an expression. Raises ExpressionError with the mistake and its place in the text."""
    return _short(code) if len(code) <= _SHORT else _long(code)


@lru_cache(maxsize=2_048)
def _short(code: str) -> "cel.Program":
    return _compiled(code)


@lru_cache(maxsize=256)
def _long(code: str) -> "cel.Program":
    return _compiled(code)


def _compiled(code: str) -> "cel.Program":
    try:
        program: cel.Program = library().compile(code)
    except (ValueError, RuntimeError, TypeError) as error:
        raise ExpressionError(_syntax_problem(str(error), code)) from None
    return program


def _syntax_problem(message: str, code: str) -> str:
    match = _SYNTAX.search(message)
    if match is None:
        return f"This is no expression: {message[:200]}."
    line, column, problem = int(match[1]), int(match[2]), match[3]
    problem = problem.split(" expecting ")[0].replace("<EOF>", "the end")
    lines = code.split("\n")
    near = lines[line - 1][max(0, column - 1) :][:20] if line <= len(lines) else ""
    where = f"near {shown(near)}" if near.strip() else "at its end"
    return f"This is no expression, {where}: {problem[:150]}."
