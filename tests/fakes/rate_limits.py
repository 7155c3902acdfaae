"""`Paces` in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cadence.domain.placement.pacing import LONGEST_WAIT, LimitedApi, microseconds

_MICROSECOND = timedelta(microseconds=1)


@dataclass
class MemoryRateLimits:
    """`asked` counts the writes that a table would have had."""

    full_at: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    def reserve(self, api: LimitedApi, calls: int, now: datetime) -> timedelta | None:
        self.asked += 1
        at = microseconds(now)
        before = max(self.full_at.get(api.bucket, 0), at)
        if before > at + LONGEST_WAIT // _MICROSECOND + api.pace.taken(api.pace.burst):
            return None
        self.full_at[api.bucket] = before + api.pace.taken(calls)
        return _MICROSECOND * api.pace.wait(self.full_at[api.bucket], at)

    def slow_down(self, api: LimitedApi, by: timedelta, now: datetime) -> None:
        until = microseconds(now) + by // _MICROSECOND + api.pace.taken(api.pace.burst)
        self.full_at[api.bucket] = max(self.full_at.get(api.bucket, 0), until)
