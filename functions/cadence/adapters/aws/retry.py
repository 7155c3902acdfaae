"""Repeats calls that are refused only because of other calls at the same time."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from cadence.domain.shared.errors import Transient

_ATTEMPTS = 20

R = TypeVar("R")


def pause(attempt: int) -> None:
    """Waits with full jitter between two attempts at what others change at the same time; forty of them take about 10
    s.
    """
    time.sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))


def insisting(call: Callable[[], R]) -> R:
    """Repeats `call` on Transient with full jitter (about 10 s in all).

    Concurrent transactions on one item cancel each other, and a large run writes faster than its partition accepts.
    """
    for attempt in range(_ATTEMPTS - 1):
        try:
            return call()
        except Transient:
            time.sleep(random.uniform(0, min(1.6, 0.02 * 2**attempt)))
    return call()
