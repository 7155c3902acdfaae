"""Limits the rate of calls to a cloud's API, over all processes that call it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.domain.placement.pacing import LONGEST_WAIT, LimitedApi
from cadence.domain.shared.errors import Transient

# The longest time that is worth waiting inside a call.
SHORT = timedelta(seconds=1)


class RateLimits(Protocol):
    """Token buckets that all processes share (table `runners`)."""

    def reserve(self, api: LimitedApi, calls: int, now: datetime) -> timedelta | None:
        """Reserves `calls` calls and returns how long until they may be made.

        Returns None, and reserves nothing, if that is longer than `LONGEST_WAIT`.
        """

    def slow_down(self, api: LimitedApi, by: timedelta, now: datetime) -> None:
        """Lets no process call the API for `by` from `now`, since the API answered that it is called too often."""


@dataclass(frozen=True)
class RateLimiter:
    """Keeps callers of cloud APIs within their rate limits.

    `sleep` takes seconds; `jitter` returns a number between 0 and 1.
    """

    rate_limits: RateLimits
    clock: Clock
    sleep: Callable[[float], None]
    jitter: Callable[[], float] = random.random

    def reserve(self, api: LimitedApi, calls: int = 1) -> timedelta:
        """Returns how long to wait before the calls may be made: zero if now, otherwise until their reserved time.

        If nothing could be reserved, it is a time after which to ask again (full jitter).
        """
        wait = self.rate_limits.reserve(api, calls, self.clock())
        return LONGEST_WAIT * max(0.1, self.jitter()) if wait is None else wait

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        """Waits, at most for `SHORT`, until `calls` calls of `api` may be made; precedes each call that is not a start.

        Raises Transient with `retry_after` if it would have to wait longer.
        """
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
        """Makes all processes pause, since `api` answered that it is called too often.

        Such answers are 429, Throttling and RequestLimitExceeded; `retry_after` is in seconds, 1 if the API names none.
        """
        self.rate_limits.slow_down(api, timedelta(seconds=1.0 if retry_after is None else retry_after), self.clock())
