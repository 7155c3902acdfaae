"""Reads numbers in JSON's syntax."""

import math

INTEGER = r"-?(?:0|[1-9][0-9]*)"
FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_MOST_DIGITS = 40
"""Digits of a whole number: enough for a u128 with its sign."""
_LONGEST = 400
"""Characters of a fraction: enough for any f64 written without an exponent."""


def number(text: str, *, whole: bool) -> int | float | None:
    """Returns the number of a text, or `None` if no type can hold it."""
    if whole:
        return int(text) if len(text) <= _MOST_DIGITS else None
    if len(text) > _LONGEST:
        return None
    value = float(text)
    return None if math.isinf(value) else value
