"""Bounds the cost of an expression with the values it uses before it is evaluated.

The library copies a list for every item that `map` and `filter` add to it, has no limit of its own, and cannot be
interrupted.
"""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.expression.errors import ExpressionError
from cadence.domain.pipelines.expression.expression import Expression

_MOST_WORK = 12_000_000
_MOST_BYTES = 20_000_000
_ITEM = 32
"""Bytes that one value takes beside its characters."""
_AT_ONCE = 8
"""Bytes that are compared or copied in one unit of work."""
_LEAST = 500
_MAKE_ITEMS = frozenset({"fromJson", "split"})
"""Functions that make at most one value of each character."""


def check_cost(expression: Expression, values: Mapping[str, Any]) -> int:
    """Returns the highest possible work of an expression, in units of some 30 nanoseconds.

    Raises ExpressionError if the expression could take half a second or 20 MB.
    """
    items, characters = _size(values)
    characters += len(expression.source)
    size = items * _ITEM + characters
    # Literals are items too, and a loop may go over values that are joined outside of loops.
    grown = 1 + expression.joins
    most_items, most_bytes = (items + 1) * grown, size * grown
    if not _MAKE_ITEMS.isdisjoint(expression.functions):
        most_items += characters
    work = _LEAST + most_bytes * (1 + len(expression.functions)) // _AT_ONCE
    for loop in expression.loops:
        rounds = most_items
        work += rounds * (loop.joins + 1) + (rounds * size // _AT_ONCE if loop.sees_names else most_bytes // _AT_ONCE)
        if loop.kind in ("map", "filter"):
            work += rounds * rounds
        if loop.kind == "map":
            most_bytes = (most_bytes + (rounds * size if loop.sees_names and loop.joins else 0)) * (1 + loop.joins)
            most_items *= 1 + loop.joins
        if work > _MOST_WORK or most_bytes > _MOST_BYTES:
            raise ExpressionError(
                f"The expression could take too long: it goes over up to {rounds:,} values.",
                "Loop over shorter lists, or compute it in a treatment.",
            )
    return work


def _size(value: Any) -> tuple[int, int]:
    """Returns the number of values that a value holds, and the number of characters."""
    if isinstance(value, str):
        return 1, len(value)
    if isinstance(value, Mapping):
        parts = [_size(part) for part in value.values()]
        return 1 + sum(items for items, _ in parts), sum(map(len, value)) + sum(length for _, length in parts)
    if isinstance(value, list):
        parts = [_size(part) for part in value]
        return 1 + sum(items for items, _ in parts), sum(length for _, length in parts)
    return 1, 0
