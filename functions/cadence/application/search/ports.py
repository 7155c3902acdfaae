"""The port and the types for searching logs.

Every line has a `LinePosition`: its time, and its position in its run's log. Positions order all lines of an
organization, no two lines share one, and a line keeps its position for good, in a fresh segment as well as in a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.domain.search.query import FieldName, Query


@dataclass(frozen=True)
class SearchScope:
    """The projects of one organization that the caller may see; nothing else is searched.

    It comes from the caller's token, never from the query; a query that names other projects finds nothing.
    """

    organization: str
    projects: tuple[str, ...]


@dataclass(frozen=True, order=True)
class LinePosition:
    """The position of a line, ordered by time first; `index` counts the lines of the segment from 0."""

    time: str  # the line's, RFC 3339 in UTC with milliseconds, so that texts order as times do
    run_id: str
    segment: int
    index: int


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A line, with all fields that it has in its segment, its position and its owner."""

    place: LinePosition
    organization: str
    project: str
    pipeline: str
    line: Line


@dataclass(frozen=True)
class SearchPage:
    """Lines, newest first; `older` is the position before which to go on, None if no older line could match.

    `hits` may be fewer than requested, even none, with `older` set: then a bound on the work was reached, and all lines
    from the page's start down to `older` have been examined.
    """

    hits: Sequence[Hit]
    older: LinePosition | None


@dataclass(frozen=True)
class LineCount:
    """The number of lines in the interval that begins at `start`, with the field's `value`.

    `start` is None for counts without intervals, `value` for counts without a field.
    """

    start: datetime | None
    value: str | None
    lines: int


@dataclass(frozen=True)
class LineCounts:
    """Counts ordered by start, then by lines (most first), then by value; without zeros.

    They are those of the 100 values with most lines of each interval. `complete` is False if a bound on the work was
    reached: then each count is a lower bound.
    """

    counts: Sequence[LineCount]
    complete: bool


class SearchIndex(Protocol):
    """Finds lines: each exactly once, from when its segment is part of its run's log until its retention ends."""

    def search(self, scope: SearchScope, query: Query, limit: int, before: LinePosition | None = None) -> SearchPage:
        """Returns at most `limit` (1 to 1,000) matching lines, newest first, only those with a position below `before`.

        Conditions that the index cannot decide itself (Pattern, state) are decided on each candidate with
        `matching.Matcher`. The work is bounded (time and candidates); at least one candidate is examined per call, so
        that a caller that goes on with `older` reaches the end. Raises Transient if the stored lines cannot be read.
        """

    def count(
        self, scope: SearchScope, query: Query, by: FieldName | None = None, interval: timedelta | None = None
    ) -> LineCounts:
        """Counts matching lines by the values of a field (never state), by intervals of time, by both, or in all.

        Intervals begin at whole multiples of `interval` (whole seconds) since 1970-01-01T00:00:00Z; the caller makes
        sure that there are at most 1,000 of them. Raises Transient if the stored lines cannot be read.
        """

    def count_by_fields(self, scope: SearchScope, query: Query, fields: Sequence[FieldName]) -> Sequence[LineCounts]:
        """Counts matching lines by the values of each field (never state), in the order of `fields`.

        All of it together is bounded as one count is, and reads the lists of stored lines once. Raises Transient if the
        stored lines cannot be read.
        """
