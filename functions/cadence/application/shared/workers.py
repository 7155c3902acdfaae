"""Applies a function to many items at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

_AT_A_TIME = 16

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Applies a function to every item."""

    def __call__(self, work: Callable[[T], R], items: Sequence[T], /) -> Sequence[R]:
        """Returns the results in the order of `items`. Raises what `work` raised."""


def several_at_once(work: Callable[[T], R], items: Sequence[T], /) -> Sequence[R]:
    """Implements Workers with threads: a large run may have a thousand treatments to start or end at the same time."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_AT_A_TIME, len(items))) as pool:
        return list(pool.map(work, items))
