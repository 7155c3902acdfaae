"""Logs are read: one run from a cursor on, or several for a text."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import jsonschema_rs

from cadence.application.log_ports import Line, LogIndex, LogSegments
from cadence.application.ports import Clock
from cadence.application.runner_ports import Followers
from cadence.domain.errors import InvalidRequest, Violation
from cadence.domain.log import Segment

LONGEST_WAIT = timedelta(seconds=2)
_LOOK_EVERY = 0.05  # seconds
# Whoever follows asks again within this time.
_FOLLOWED_FOR = timedelta(seconds=30)
_SEGMENTS_PER_QUERY = 50
_LONGEST_PATTERN = 256
_SEARCHED_SEGMENTS = 500
_SEARCHED_TIME = timedelta(seconds=5)
_CURSOR = re.compile(r"(\d{1,12}):(\d{1,9})")


@dataclass(frozen=True)
class LineFilter:
    """What is wanted; everything that is None matches. `grep` is a regular expression searched in the text."""

    treatment: str | None = None
    stream: str | None = None
    level: str | None = None
    grep: str | None = None

    def compiled(self) -> Callable[[Line], bool]:
        """Raises InvalidRequest for a regular expression that is none, or too long."""
        has_text = _searches(self.grep) if self.grep else None
        exact = [
            (name, value)
            for name, value in (("treatment", self.treatment), ("stream", self.stream), ("level", self.level))
            if value is not None
        ]

        def matches(line: Line) -> bool:
            return all(line[name] == value for name, value in exact) and (has_text is None or has_text(line["text"]))

        return matches

    def may_be_in(self, segment: Segment) -> bool:
        return (self.treatment is None or self.treatment in segment.treatments) and (
            self.level is None or self.level in segment.levels
        )


EVERYTHING = LineFilter()


@dataclass(frozen=True)
class Tail:
    """`after` is the cursor to go on from; it is stable, and stays the same while nothing new is there."""

    lines: Sequence[Line]
    after: str


@dataclass(frozen=True)
class Found:
    """Lines newest first, with their `run`. `complete` is False if there was more to look at than the bounds allow."""

    lines: Sequence[Line]
    complete: bool


@dataclass(frozen=True)
class ReadLogs:
    index: LogIndex
    segments: LogSegments
    followers: Followers
    clock: Clock
    sleep: Callable[[float], None]

    def tail(
        self,
        run_id: str,
        after: str | None = None,
        limit: int = 1000,
        wanted: LineFilter = EVERYTHING,
        wait: timedelta = timedelta(),
    ) -> Tail:
        """At most `limit` lines after the cursor, oldest first. With `wait` (at most 2 s) it waits for the first.

        Raises InvalidRequest for a cursor that is none.
        """
        matches = wanted.compiled()
        position = _position(after)
        until = self.clock() + min(wait, LONGEST_WAIT)
        if wait:
            self.followers.follow(run_id, self.clock() + _FOLLOWED_FOR)
        while True:
            lines, position = self._from(run_id, position, limit, wanted, matches)
            if lines or self.clock() >= until:
                return Tail(lines, f"{position[0]}:{position[1]}")
            self.sleep(_LOOK_EVERY)

    def search(self, run_ids: Iterable[str], wanted: LineFilter, since: datetime | None, limit: int = 200) -> Found:
        """Matching lines of `run_ids` (in that order, newest first), within a bounded number of segments and time."""
        matches = wanted.compiled()
        until = self.clock() + _SEARCHED_TIME
        earliest = f"{since:%Y-%m-%dT%H:%M:%S}." if since else ""
        found: list[Line] = []
        looked_at = 0
        for run_id, segment in self._newest(run_ids):
            if looked_at >= _SEARCHED_SEGMENTS or self.clock() >= until:
                return Found(found, complete=False)
            if segment.last_time < earliest or not wanted.may_be_in(segment):
                continue
            looked_at += 1
            for line in reversed(self.segments.read(segment.key)):
                if line["time"] >= earliest and matches(line):
                    found.append({"run": run_id, **line})
                    if len(found) == limit:
                        return Found(found, complete=False)
        return Found(found, complete=True)

    def _from(
        self,
        run_id: str,
        position: tuple[int, int],
        limit: int,
        wanted: LineFilter,
        matches: Callable[[Line], bool],
    ) -> tuple[Sequence[Line], tuple[int, int]]:
        lines: list[Line] = []
        while True:
            segments = self.index.list_segments(run_id, position[0], _SEGMENTS_PER_QUERY)
            for segment in segments:
                start = position[1] if segment.number == position[0] else 0
                if start < segment.lines and wanted.may_be_in(segment):
                    for index, line in enumerate(self.segments.read(segment.key)[start:], start + 1):
                        if matches(line):
                            lines.append({**line, "cursor": f"{segment.number}:{index}"})
                            if len(lines) == limit:
                                return lines, (segment.number, index)
                position = (segment.number + 1, 0)
            if len(segments) < _SEGMENTS_PER_QUERY:
                return lines, position

    def _newest(self, run_ids: Iterable[str]) -> Iterator[tuple[str, Segment]]:
        for run_id in run_ids:
            for segment in self.index.newest_segments(run_id, _SEARCHED_SEGMENTS):
                yield run_id, segment


def _position(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    match = _CURSOR.fullmatch(after)
    if not match:
        raise InvalidRequest("The cursor is not one that was handed out.", [Violation("after", "is no cursor")])
    return int(match[1]), int(match[2])


def _searches(grep: str) -> Callable[[str], bool]:
    """Python's own regular expressions can take for ever on a text; those of the schema validator take linear time."""
    if len(grep) > _LONGEST_PATTERN:
        problem = f"has more than {_LONGEST_PATTERN} characters"
        raise InvalidRequest("The regular expression is too long.", [Violation("grep", problem)])
    try:
        validator = jsonschema_rs.Draft202012Validator({"pattern": grep}, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError):
        problem = "is no regular expression, or uses look-around or back-references"
        raise InvalidRequest("The regular expression is not valid.", [Violation("grep", problem)]) from None
    return validator.is_valid
