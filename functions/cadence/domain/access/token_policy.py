"""The policy of an organization for the lifetime of its tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class TokenPolicy:
    """`longest` is how long a token that is created from now on may live (None: without an end)."""

    longest: timedelta | None = None

    def end(self, now: datetime, lifetime: timedelta | None) -> datetime | None:
        """Returns when a token ends for which `lifetime` is asked (None: it has no end)."""
        allowed = [span for span in (self.longest, lifetime) if span is not None]
        return now + min(allowed) if allowed else None
