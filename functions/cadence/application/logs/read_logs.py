"""Reads the log of one run, from a cursor on or back."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.logs.places import LogPlaces, cursor, position_of
from cadence.application.logs.ports import Line, LogIndex, LogSegments
from cadence.application.logs.segment_facts import facts_of, owner_of
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import Followers
from cadence.domain.logs.log import Segment
from cadence.domain.search.gaps import may_hide
from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import EVERY_LINE, And, Condition, Field, FieldName, FieldPrefix, Or, Pattern, Query
from cadence.domain.search.regex import BadRegex
from cadence.domain.shared.errors import InvalidRequest, Violation

LONGEST_WAIT = timedelta(seconds=2)
_LOOK_EVERY = 0.05  # seconds
# A follower asks again within this time.
_FOLLOWED_FOR = timedelta(seconds=30)
_SEGMENTS_PER_QUERY = 50
# What a request without filters needs is in these as a rule.
_SEGMENTS_AT_FIRST = 4
# Of a log in which few lines match, one request reads no more segments than this, and no further one after so many
# lines, which take about 0.3 s of computing to read and examine, whatever the regular expression.
_MOST_READ = 100
MOST_LINES = 50_000
Matches = Callable[[LineOwner, Line], bool]


def line_filter(
    treatments: Sequence[str] = (), levels: Sequence[str] = (), grep: str | None = None, runner: str | None = None
) -> Query:
    """Returns a query for lines of one of the treatments (none: of any), of one of the levels, that match `grep`.

    The lines of a group are those of its instances. `grep` is a regular expression, searched in the text. `runner` is
    the id of the only one whose lines are selected, that of an attempt.
    """
    parts: list[Condition] = []
    if treatments:
        instances = [FieldPrefix(FieldName.TREATMENT, f"{name}:") for name in treatments if ":" not in name]
        named = Field(FieldName.TREATMENT, tuple(treatments))
        parts.append(Or((named, *instances)) if instances else named)
    if runner:
        parts.append(Field(FieldName.RUNNER, (runner,)))
    if levels:
        parts.append(Field(FieldName.LEVEL, tuple(levels)))
    if grep is not None:
        parts.append(Pattern(grep))
    if len(parts) < 2:
        return Query(parts[0]) if parts else EVERY_LINE
    return Query(And(tuple(parts)))


@dataclass(frozen=True)
class Tail:
    """Lines, each with its segment and its index there, counted from 0, and the cursor `after` to go on from.

    The cursor is stable, and stays the same while there are no new lines. `more`: there may be further lines now,
    beyond what one request reads.
    """

    lines: "Sequence[tuple[Segment, int, Line]]"
    after: str
    more: bool = False


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
        Raises InvalidRequest for an invalid cursor or regular expression.
        """
        matches = _matching(wanted, step)
        position = position_of(after) if after is not None else (0, 0)
        until = self.clock() + min(wait, LONGEST_WAIT)
        if wait:
            self.followers.follow(run_id, self.clock() + _FOLLOWED_FOR)
        while True:
            lines, position, more = self._from(run_id, position, limit, wanted, matches)
            if lines or more or self.clock() >= until:
                return Tail(lines, cursor(*position), more)
            self.sleep(_LOOK_EVERY)

    @property
    def places(self) -> LogPlaces:
        """Finds places in the same logs."""
        return LogPlaces(self.index, self.segments)

    def earlier(
        self, run_id: str, before: str, limit: int = 1000, wanted: Query = EVERY_LINE, step: int | None = None
    ) -> Tail:
        """Returns the last `limit` lines before a cursor, oldest first; `after` is the cursor before the first of them.

        `step` selects the lines of the step with this number.

        Raises InvalidRequest for an invalid cursor or regular expression.
        """
        matches = _matching(wanted, step)
        position = position_of(before, "before")
        lines: deque[tuple[Segment, int, Line]] = deque()
        read = lines_read = 0
        for segment in self._back(run_id, position[0]):
            stop = position[1] if segment.number == position[0] else segment.lines
            if not stop or not may_match(wanted, facts_of(segment), segment.first_time, segment.last_time):
                continue
            if read == _MOST_READ or lines_read >= MOST_LINES:
                return Tail(tuple(lines), cursor(segment.number + 1, 0), more=True)
            read, lines_read = read + 1, lines_read + stop
            owner = owner_of(segment)
            for index, line in reversed(list(enumerate(self.segments.read(segment.key)[:stop]))):
                if matches(owner, line):
                    lines.appendleft((segment, index, line))
                    if len(lines) == limit:
                        return Tail(tuple(lines), cursor(segment.number, index), more=segment.number > 0 or index > 0)
        return Tail(tuple(lines), cursor(0, 0))

    def _back(self, run_id: str, number: int) -> Iterator[Segment]:
        """Yields the segments up to a number, the newest first."""
        before, at_once = number + 1, _SEGMENTS_AT_FIRST
        while segments := self.index.newest_segments(run_id, at_once, before):
            yield from segments
            before, at_once = segments[-1].number, _SEGMENTS_PER_QUERY

    def _from(
        self, run_id: str, position: tuple[int, int], limit: int, wanted: Query, matches: Matches
    ) -> tuple[Sequence[tuple[Segment, int, Line]], tuple[int, int], bool]:
        lines: list[tuple[Segment, int, Line]] = []
        read = lines_read = 0
        at_once = _SEGMENTS_AT_FIRST
        while True:
            segments = self.index.list_segments(run_id, position[0], at_once)
            for segment in segments:
                start = position[1] if segment.number == position[0] else 0
                if start < segment.lines and may_match(
                    wanted, facts_of(segment), segment.first_time, segment.last_time
                ):
                    if read == _MOST_READ or lines_read >= MOST_LINES:
                        return lines, (segment.number, start), True
                    read, lines_read = read + 1, lines_read + segment.lines - start
                    owner = owner_of(segment)
                    for index, line in enumerate(self.segments.read(segment.key)[start:], start):
                        if matches(owner, line):
                            lines.append((segment, index, line))
                            if len(lines) == limit:
                                return lines, (segment.number, index + 1), False
                position = (segment.number + 1, 0)
            if len(segments) < at_once:
                return lines, position, False
            at_once = _SEGMENTS_PER_QUERY


def _matching(wanted: Query, step: int | None) -> Matches:
    """Returns whether a line is wanted, or marks a gap that may have hidden one. Raises InvalidRequest."""
    matcher = _matcher(wanted)

    def matches(owner: LineOwner, line: Line) -> bool:
        if "gap" in line and may_hide(wanted, owner, line):
            return True
        return (step is None or line.get("step") == step) and matcher.matches(owner, line)

    return matches


def _matcher(wanted: Query) -> Matcher:
    try:
        return Matcher(wanted)
    except BadRegex as error:
        raise InvalidRequest("The regular expression is not valid.", [Violation("grep", str(error))]) from None
