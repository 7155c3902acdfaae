"""For how long what was refused is not asked for again: longer each time, and then by one alone before all."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=30)
# How long whoever asks first has before somebody else does.
PROBE_TAKES = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """An offer that was refused `times` times in a row: when last, in whose words, and until when it is not asked for."""

    offer: str
    at: datetime
    reason: str
    until: datetime
    times: int = 1

    def lasts(self, now: datetime) -> bool:
        return now < self.until

    def probed(self, now: datetime) -> "BackOff":
        """While one alone asks whether there is anything by now."""
        return dataclasses.replace(self, until=now + PROBE_TAKES)


def refused(seen: BackOff | None, offer: str, asked_at: datetime, now: datetime, reason: str) -> BackOff | None:
    """After a refusal of what was asked for at `asked_at`. None if one is known that came since: all who asked before it count once."""
    if seen is not None and seen.at >= asked_at:
        return None
    again = seen is not None and asked_at < seen.until + LONGEST_PAUSE
    times = seen.times + 1 if seen is not None and again else 1
    return BackOff(offer=offer, at=now, reason=reason, until=now + pause_after(times), times=times)


def pause_after(refusals: int) -> timedelta:
    """Twice as long each time."""
    doubled: int = 2 ** max(0, min(refusals, 16) - 1)
    return min(LONGEST_PAUSE, FIRST_PAUSE * doubled)
