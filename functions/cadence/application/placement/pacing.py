"""Calls to a cloud's API at a pace that it bears, however many processes call it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.domain.placement.pacing import LONGEST_WAIT, LimitedApi
from cadence.domain.shared.errors import Transient

# What is worth waiting for inside a call.
SHORT = timedelta(seconds=1)


class RateLimits(Protocol):
    """Shared buckets (table `runners`)."""

    def reserve(self, api: LimitedApi, calls: int, now: datetime) -> timedelta | None:
        """How long until so many calls may be made: they have their place. None, and no place, if that is over `LONGEST_WAIT`."""

    def slow_down(self, api: LimitedApi, by: timedelta, now: datetime) -> None:
        """The API itself said that it is asked too much: nobody calls it for so long."""


@dataclass(frozen=True)
class RateLimiter:
    """`sleep` takes seconds, `jitter` answers between 0 and 1."""

    rate_limits: RateLimits
    clock: Clock
    sleep: Callable[[float], None]
    jitter: Callable[[], float] = random.random

    def reserve(self, api: LimitedApi, calls: int = 1) -> timedelta:
        """Zero if the calls may be made now; otherwise the place that is kept for them. Without one, a time to ask again at (full jitter)."""
        wait = self.rate_limits.reserve(api, calls, self.clock())
        return LONGEST_WAIT * max(0.1, self.jitter()) if wait is None else wait

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        """To be called before each call of `api` that is not a start: waits for a moment if need be. Raises Transient with `retry_after`."""
        wait = self.rate_limits.reserve(api, calls, self.clock())
        if wait is not None and wait <= SHORT:
            if wait:
                self.sleep(wait.total_seconds())
            return
        seconds = (wait or LONGEST_WAIT).total_seconds()
        raise Transient(
            f"the API {api.name} of {api.region} is called as often as it may be: again in {seconds:.0f} s",
            retry_after=seconds,
        )

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        """`api` answered that it is asked too much (429, Throttling, RequestLimitExceeded): everybody pauses, for `retry_after` seconds if it said so."""
        self.rate_limits.slow_down(api, timedelta(seconds=1.0 if retry_after is None else retry_after), self.clock())
