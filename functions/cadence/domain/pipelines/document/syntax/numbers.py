"""Numbers as JSON writes them."""

import math

INTEGER = r"-?(?:0|[1-9][0-9]*)"
FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_MOST_DIGITS = 40
"""Enough for a u128 with its sign."""
_LONGEST = 400
"""Of a fraction: enough for any f64 written without an exponent."""


def number(text: str, *, whole: bool) -> int | float | None:
    """The number a text stands for, or `None` for one that no type can hold."""
    if whole:
        return int(text) if len(text) <= _MOST_DIGITS else None
    if len(text) > _LONGEST:
        return None
    value = float(text)
    return None if math.isinf(value) else value
