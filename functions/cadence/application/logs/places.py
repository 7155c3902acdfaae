"""Places in a run's log: cursors, and those of a line's number and of a time, found without reading the log."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cadence.application.logs.ports import LogIndex, LogSegments
from cadence.domain.logs.log import Segment
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.shared.rfc3339 import milliseconds

_CURSOR = re.compile(r"(\d{1,12}):(\d{1,9})")


def cursor(segment: int, lines: int) -> str:
    """Returns the cursor after the first `lines` lines of a segment."""
    return f"{segment}:{lines}"


def position_of(text: str, field: str = "after") -> tuple[int, int]:
    """Returns the segment and the line in it of a cursor, counted from 0. Raises InvalidRequest about `field`."""
    match = _CURSOR.fullmatch(text)
    if not match:
        raise InvalidRequest(
            "The cursor is not valid: use one from an earlier answer.", [Violation(field, "is no cursor")]
        )
    return int(match[1]), int(match[2])


@dataclass(frozen=True)
class LogPlaces:
    """Finds places in logs by a search over the segments' manifests: each look is one query.

    A line is looked for where it would be if all segments had equally many, and every second time in the middle: so it
    takes a few looks as a rule, and never more than twice as many as halving does.
    """

    index: LogIndex
    segments: LogSegments

    def count(self, run_id: str) -> int:
        """Returns how many lines a run's log has."""
        newest = self.index.newest_segments(run_id, 1)
        return newest[0].lines_before + newest[0].lines if newest else 0

    def of_line(self, run_id: str, number: int) -> str:
        """Returns the cursor before line `number` (from 1) of a run's log; that of its end where it has fewer lines."""
        segment = self._first(run_id, lambda one: one.lines_before + one.lines >= number, number)
        if segment is None:
            return self.end(run_id)
        return cursor(segment.number, max(0, number - 1 - segment.lines_before))

    def of_time(self, run_id: str, time: datetime) -> str:
        """Returns the cursor before the first line of `time` or later; that of the log's end where there is none.

        Lines that arrived late stand where they arrived, so earlier ones may follow.
        """
        try:
            wanted = milliseconds(time.astimezone(UTC))
        except OverflowError:
            wanted = time.isoformat()  # an end of the calendar, which as text is before or after all others, too
        segment = self._first(run_id, lambda one: one.last_time >= wanted)
        if segment is None:
            return self.end(run_id)
        lines = self.segments.read(segment.key)
        return cursor(segment.number, next((at for at, line in enumerate(lines) if line["time"] >= wanted), 0))

    def end(self, run_id: str) -> str:
        """Returns the cursor after the last line there is."""
        newest = self.index.newest_segments(run_id, 1)
        return cursor(newest[0].number + 1 if newest else 0, 0)

    def _first(self, run_id: str, is_reached: Callable[[Segment], bool], line: int | None = None) -> Segment | None:
        """Returns the first segment that reaches what is looked for, which holds `line` if that is its number."""
        newest = self.index.newest_segments(run_id, 1)
        if not newest or not is_reached(newest[0]):
            return None
        low, high, found = 0, newest[0].number, newest[0]
        first_line, is_guess = 0, line is not None
        # A line has been found with the segment that has it.
        while low < high and (line is None or line <= found.lines_before):
            middle, between = (low + high) // 2, found.lines_before - first_line
            if line is not None and is_guess and between > 0:
                guess = low + (line - 1 - first_line) * (high - low) // between
                middle = min(max(guess, low), high - 1)
            is_guess = not is_guess
            # Segments may have been removed with their time of keeping: then it is the next one that is there.
            segment = self.index.list_segments(run_id, middle, 1)[0]
            if is_reached(segment):
                high, found = middle, segment
            else:
                low, first_line = segment.number + 1, segment.lines_before + segment.lines
        return found
