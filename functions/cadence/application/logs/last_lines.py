"""Reads the last log lines of one attempt, without those of the rest of its run."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.logs.ports import Line, LogIndex, LogSegments
from cadence.domain.logs.log import Segment

# Agents may send a line this much later than others; a segment that begins later has no line of an attempt that ended.
_SLACK = timedelta(seconds=120)
_PAGE = 100
_MOST_SEGMENTS = 5_000  # examined
_MOST_READ = 100


@dataclass(frozen=True)
class LogTail:
    """Lines in their order, each with its `cursor`; `complete` is False if there may be earlier ones."""

    lines: tuple[Line, ...]
    complete: bool


@dataclass(frozen=True)
class LastLines:
    """Reads the ends of attempts' logs."""

    index: LogIndex
    segments: LogSegments

    def read(self, run_id: str, treatment: str, attempt: int, limit: int, ended_at: datetime | None = None) -> LogTail:
        """Returns at most `limit` lines of an attempt; `ended_at` is its end, if it has ended."""
        lines: deque[Line] = deque()
        read = 0
        for segment in self._backwards(run_id, ended_at):
            if segment is None or read == _MOST_READ:
                return LogTail(_in_order(lines), complete=False)
            if treatment not in segment.treatments:
                continue
            read += 1
            numbered = list(enumerate(self.segments.read(segment.key), 1))
            for number, line in reversed(numbered):
                if line["treatment"] == treatment and line["attempt"] == attempt:
                    lines.appendleft({**line, "cursor": f"{segment.number}:{number}"})
                    if len(lines) == limit:
                        return LogTail(_in_order(lines), complete=False)
        return LogTail(_in_order(lines), complete=True)

    def _backwards(self, run_id: str, ended_at: datetime | None) -> Iterator[Segment | None]:
        """Yields segments, the newest first; None once too many have been examined."""
        before = self._first_after(run_id, ended_at + _SLACK) if ended_at else None
        examined = 0
        while examined < _MOST_SEGMENTS:
            page = self.index.newest_segments(run_id, _PAGE, before)
            yield from page
            examined += len(page)
            if len(page) < _PAGE:
                return
            before = page[-1].number
        yield None

    def _first_after(self, run_id: str, time: datetime) -> int | None:
        """Returns a segment's number above that of all segments with lines of `time` or earlier; None for the end.

        It is found by binary search.
        """
        newest = self.index.newest_segments(run_id, 1)
        if not newest or newest[0].number < _PAGE:
            return None
        latest = f"{time:%Y-%m-%dT%H:%M:%S}"
        low, high = 0, newest[0].number + 1
        while low < high:
            middle = (low + high) // 2
            at = self.index.list_segments(run_id, middle, 1)
            if not at or at[0].first_time > latest:
                high = middle
            else:
                low = at[0].number + 1
        return low


def _in_order(lines: deque[Line]) -> tuple[Line, ...]:
    """Returns lines in the order of their numbers: a late line may be in a later segment than one that followed it."""
    return tuple(sorted(lines, key=lambda line: line["seq"]))
