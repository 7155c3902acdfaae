"""A circuit breaker per offer: what was refused for want of capacity is not asked for again for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)


class Circuit(Protocol):
    """Kept for all runners of a pool. An offer is known by its label."""

    def open_until(self, offer: str) -> datetime | None:
        """Until when not to ask for it; `None`: ask."""

    def refused(self, offer: str) -> None: ...

    def granted(self, offer: str) -> None: ...


class MemoryCircuit:
    """For the life of one process: each Lambda that is kept warm learns for itself, and asks in vain once."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._refusals: dict[str, tuple[int, datetime]] = {}

    def open_until(self, offer: str) -> datetime | None:
        times, at = self._refusals.get(offer, (0, self._clock()))
        until = at + pause_after(times)
        return until if times and self._clock() < until else None

    def refused(self, offer: str) -> None:
        times, _ = self._refusals.get(offer, (0, None))
        self._refusals[offer] = (times + 1, self._clock())

    def granted(self, offer: str) -> None:
        self._refusals.pop(offer, None)


def pause_after(refusals: int) -> timedelta:
    """Twice as long each time."""
    doubled: int = 2 ** max(0, min(refusals, 16) - 1)
    return min(LONGEST_PAUSE, FIRST_PAUSE * doubled)
