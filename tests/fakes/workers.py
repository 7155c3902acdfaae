"""`Workers` without threads, so that simulated steps come in a known order."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def one_by_one(work: Callable[[T], R], items: Sequence[T], /) -> Sequence[R]:
    return [work(item) for item in items]
