"""Converts times of lines to numbers, and back."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from cadence.domain.shared.errors import InvalidRequest

_TIMES = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)*")
_LENGTH_OF_TIME = len("2026-01-01T00:00:00.000Z")


class Moments(dict[str, int]):
    """Milliseconds since 1970 of times as lines write them; remembers those of whole seconds."""

    def of(self, time: str) -> int:
        """Returns milliseconds. Raises InvalidRequest for a time that does not sort as its text does."""
        return self.all_of([time])[0]

    def all_of(self, times: Sequence[str]) -> Sequence[int]:
        if not _TIMES.fullmatch("".join(times)) or any(len(time) != _LENGTH_OF_TIME for time in times):
            raise InvalidRequest("A time is not in UTC with milliseconds.")
        return [self[time[:19]] + int(time[20:23]) for time in times]

    def __missing__(self, second: str) -> int:
        try:
            at = int(datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp())
        except ValueError:
            at = 0
        if _written_second(at) != second:
            raise InvalidRequest(f"{second!r} is no time in UTC.")
        self[second] = moment = at * 1000
        return moment


def written(moment: int) -> str:
    """Returns `moment` (milliseconds since 1970) as lines write it."""
    second, millisecond = divmod(moment, 1000)
    return f"{_written_second(second)}.{millisecond:03}Z"


@lru_cache(maxsize=4096)
def _written_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
