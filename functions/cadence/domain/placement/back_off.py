"""Back-off after refusals.

A refused offer is not asked for again for a while, longer each time, and then by a single caller before all others.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)
# The time that the first caller has before another one asks.
PROBE_TAKES = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """An offer that was refused `times` times in a row.

    `at` and `reason` are of the last refusal; the offer is not asked for again before `until`.
    """

    offer: str
    at: datetime
    reason: str
    until: datetime
    times: int = 1

    def lasts(self, now: datetime) -> bool:
        """Returns whether the offer is still not to be asked for."""
        return now < self.until

    def probed(self, now: datetime) -> "BackOff":
        """Returns the back-off prolonged while a single caller asks whether the offer is available again."""
        return dataclasses.replace(self, until=now + PROBE_TAKES)


def refused(known: BackOff | None, offer: str, asked_at: datetime, now: datetime, reason: str) -> BackOff | None:
    """Returns the back-off after a refusal of a request made at `asked_at`.

    Returns None if a refusal after `asked_at` is known: all requests before it count once.
    """
    if known is not None and known.at >= asked_at:
        return None
    repeated = known is not None and asked_at < known.until + LONGEST_PAUSE
    times = known.times + 1 if known is not None and repeated else 1
    return BackOff(offer=offer, at=now, reason=reason, until=now + pause_after(times), times=times)


def pause_after(refusals: int) -> timedelta:
    """Returns the pause after so many refusals in a row; it doubles each time."""
    doubled: int = 2 ** max(0, min(refusals, 16) - 1)
    return min(LONGEST_PAUSE, FIRST_PAUSE * doubled)
