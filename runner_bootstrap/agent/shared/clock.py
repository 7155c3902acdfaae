"""Deadlines on the monotonic clock, and timestamps of the protocol."""

from __future__ import annotations

import datetime as dt
import time


class Deadline:
    """A point on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline; 0 once it has passed."""
        return max(0.0, self._at - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.seconds_left <= 0


def timestamp() -> str:
    """Returns the current time as the protocol writes it: RFC 3339, UTC, milliseconds."""
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
