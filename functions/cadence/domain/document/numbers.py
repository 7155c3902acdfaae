"""Numbers as JSON writes them."""

import math

from cadence.domain.document.building import Builder
from cadence.domain.document.findings import Code
from cadence.domain.document.source import Position
from cadence.domain.document.wording import shown

INTEGER = r"-?(?:0|[1-9][0-9]*)"
FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_MOST_DIGITS = 40
"""Enough for a u128 with its sign."""


def number(text: str, whole: bool, builder: Builder, position: Position) -> int | float:
    """The number a text stands for; one that no type can hold is a problem and read as 0."""
    if whole and len(text) <= _MOST_DIGITS:
        return int(text)
    value = float(text) if not whole else math.inf
    if math.isinf(value):
        builder.problem(Code.BAD_NUMBER, f"{shown(text)} is larger than any number type can hold.", position)
        return 0
    return value
