"""Doing the same with many things."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

_AT_A_TIME = 16

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    def __call__(self, work: Callable[[T], R], items: Sequence[T], /) -> Sequence[R]:
        """The results in the order of `items`. Raises what `work` raised."""


def several_at_once(work: Callable[[T], R], items: Sequence[T], /) -> Sequence[R]:
    """Of a large run a thousand treatments may be ready, or be ended, at the same time."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(_AT_A_TIME, len(items))) as pool:
        return list(pool.map(work, items))
