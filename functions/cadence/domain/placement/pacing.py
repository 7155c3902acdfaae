"""Rate limits of cloud APIs per account: a token bucket that all callers share.

The bucket is one moment: when it will be full again. Each call moves it on by the time that one token takes to come
back; a call may be made once that moment is no further away than the whole bucket takes to fill. Callers that have to
wait keep their place: calls are served in the order of the requests.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A caller that would have to wait for longer gets no place, and has to ask again.
LONGEST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class RateLimit:
    """A rate limit of `burst` calls at once, and `per_second` on average."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError(f"{self} would never allow a call")

    def taken(self, calls: int) -> int:
        """Returns how far so many calls move the bucket on, in microseconds."""
        return round(calls * 1_000_000 / self.per_second)

    def wait(self, full_at: int, now: int) -> int:
        """Returns how long the call waits that has just moved the bucket to `full_at`; all in microseconds."""
        return max(0, full_at - self.taken(self.burst) - now)


@dataclass(frozen=True)
class LimitedApi:
    """One API of one account in one region, and its rate limit. Buckets of one name are one bucket."""

    account: str
    region: str
    name: str
    pace: RateLimit

    @property
    def bucket(self) -> str:
        """The name of its bucket."""
        return f"{self.account}#{self.region}#{self.name}"


def microseconds(moment: datetime) -> int:
    """Returns the microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
