"""Reads the log of one run, from a cursor on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.logs.ports import Line, LogIndex, LogSegments
from cadence.application.logs.segment_facts import facts_of, owner_of
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import Followers
from cadence.domain.logs.log import Segment
from cadence.domain.search.gaps import may_hide
from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import EVERY_LINE, And, Condition, Field, FieldName, Pattern, Query
from cadence.domain.search.regex import BadRegex
from cadence.domain.shared.errors import InvalidRequest, Violation

LONGEST_WAIT = timedelta(seconds=2)
_LOOK_EVERY = 0.05  # seconds
# A follower asks again within this time.
_FOLLOWED_FOR = timedelta(seconds=30)
_SEGMENTS_PER_QUERY = 50
Matches = Callable[[LineOwner, Line], bool]
_CURSOR = re.compile(r"(\d{1,12}):(\d{1,9})")


def line_filter(treatment: str | None = None, level: str | None = None, grep: str | None = None) -> Query:
    """Returns a query for lines with all given properties; `grep` is a regular expression searched in the text."""
    parts: list[Condition] = []
    if treatment is not None:
        parts.append(Field(FieldName.TREATMENT, (treatment,)))
    if level is not None:
        parts.append(Field(FieldName.LEVEL, (level,)))
    if grep is not None:
        parts.append(Pattern(grep))
    if len(parts) < 2:
        return Query(parts[0]) if parts else EVERY_LINE
    return Query(And(tuple(parts)))


@dataclass(frozen=True)
class Tail:
    """Lines, each with its segment and its index there, counted from 0, and the cursor `after` to go on from.

    The cursor is stable, and stays the same while there are no new lines.
    """

    lines: "Sequence[tuple[Segment, int, Line]]"
    after: str


@dataclass(frozen=True, kw_only=True)
class ReadLogs:
    """Reads and follows the logs of runs; `sleep` takes seconds."""

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
        wanted: Query = EVERY_LINE,
        wait: timedelta = timedelta(),
        step: int | None = None,
    ) -> Tail:
        """Returns at most `limit` lines after the cursor, oldest first, with marks of gaps that may have hidden some.

        With `wait` (at most 2 s) it waits for the first line; `step` selects the lines of the step with this number.
        Raises InvalidRequest for an invalid cursor or regular
        expression.
        """
        matches = _of_step(_matcher(wanted).matches, step)
        position = _position(after)
        until = self.clock() + min(wait, LONGEST_WAIT)
        if wait:
            self.followers.follow(run_id, self.clock() + _FOLLOWED_FOR)
        while True:
            lines, position = self._from(run_id, position, limit, wanted, matches)
            if lines or self.clock() >= until:
                return Tail(lines, cursor(*position))
            self.sleep(_LOOK_EVERY)

    def _from(
        self, run_id: str, position: tuple[int, int], limit: int, wanted: Query, matches: Matches
    ) -> tuple[Sequence[tuple[Segment, int, Line]], tuple[int, int]]:
        lines: list[tuple[Segment, int, Line]] = []
        while True:
            segments = self.index.list_segments(run_id, position[0], _SEGMENTS_PER_QUERY)
            for segment in segments:
                start = position[1] if segment.number == position[0] else 0
                if start < segment.lines and may_match(
                    wanted, facts_of(segment), segment.first_time, segment.last_time
                ):
                    owner = owner_of(segment)
                    for index, line in enumerate(self.segments.read(segment.key)[start:], start):
                        if matches(owner, line) or ("gap" in line and may_hide(wanted, owner, line)):
                            lines.append((segment, index, line))
                            if len(lines) == limit:
                                return lines, (segment.number, index + 1)
                position = (segment.number + 1, 0)
            if len(segments) < _SEGMENTS_PER_QUERY:
                return lines, position


def _of_step(matches: Matches, step: int | None) -> Matches:
    if step is None:
        return matches
    return lambda owner, line: line.get("step") == step and matches(owner, line)


def cursor(segment: int, lines: int) -> str:
    """Returns the cursor after the first `lines` lines of a segment."""
    return f"{segment}:{lines}"


def _position(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    match = _CURSOR.fullmatch(after)
    if not match:
        raise InvalidRequest(
            "The cursor is not valid: use one from an earlier answer.", [Violation("after", "is no cursor")]
        )
    return int(match[1]), int(match[2])


def _matcher(wanted: Query) -> Matcher:
    try:
        return Matcher(wanted)
    except BadRegex as error:
        raise InvalidRequest("The regular expression is not valid.", [Violation("grep", str(error))]) from None
