"""Texts of CEL, as people write them."""

import json
from collections.abc import Iterable

FAILED = '["failed", "lost", "timed_out"]'
"""The states that mean a treatment failed."""


def state(treatment: str) -> str:
    return f"treatments[{json.dumps(treatment)}].state"


def all_of(parts: Iterable[str]) -> str:
    """Conditions that all have to hold, without parentheses that say nothing."""
    known = [bare(part) for part in parts]
    return " && ".join(f"({part})" if len(known) > 1 and ("||" in part or " ? " in part) else part for part in known)


def bare(cel: str) -> str:
    """An expression without parentheses around all of it.

    >>> bare("((a) || (b))"), bare("(a) || (b)")
    ('(a) || (b)', '(a) || (b)')
    """
    while cel.startswith("(") and cel.endswith(")") and _closes(cel) == len(cel) - 1:
        cel = cel[1:-1]
    return cel


def _closes(cel: str) -> int:
    """Where the parenthesis that opens a text is closed; texts in it may hold parentheses too."""
    depth, quoted, position = 0, False, 0
    while position < len(cel):
        symbol = cel[position]
        if quoted:
            position += symbol == "\\"
            quoted = symbol != '"'
        elif symbol == '"':
            quoted = True
        else:
            depth += (symbol == "(") - (symbol == ")")
            if depth == 0:
                return position
        position += 1
    return -1
