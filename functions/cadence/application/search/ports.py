"""What searching logs needs from the outside.

Every line has a `Place`: its time, and where it stands in its run's log. Places order all lines of an organization, two
lines never share one, and a line keeps its place for good, in a fresh segment as well as in a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.domain.search.query import FieldName, Query


@dataclass(frozen=True)
class SearchScope:
    """What the caller may see, and nothing else is looked at: some projects of one organization.

    It comes from the caller's token, never from the query; a query that names others finds nothing.
    """

    organization: str
    projects: tuple[str, ...]


@dataclass(frozen=True, order=True)
class LinePosition:
    """Ordered by time first. `index` counts the lines of the segment from 0."""

    time: str  # the line's, RFC 3339 in UTC with milliseconds, so that texts order as times do
    run_id: str
    segment: int
    index: int


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A line (as it stands in its segment, with everything in it) and whose it is."""

    place: LinePosition
    organization: str
    project: str
    pipeline: str
    line: Line


@dataclass(frozen=True)
class SearchPage:
    """Newest first. `older` is where to go on (lines *before* it); None if there is nothing older that could match.

    `hits` may be fewer than asked for, even none, with `older` set: then a bound on the work was reached, and everything
    from the page's start down to `older` has been looked at.
    """

    hits: Sequence[Hit]
    older: LinePosition | None


@dataclass(frozen=True)
class LineCount:
    """`lines` lines in the interval that begins at `start` (None if not asked by time) with `value` (None if not asked by field)."""

    start: datetime | None
    value: str | None
    lines: int


@dataclass(frozen=True)
class LineCounts:
    """Ordered by start, then by lines (most first), then by value; without zeros.

    Of each interval the 100 values with most lines. `complete` is False if a bound on the work was reached: then each
    count is a lower bound.
    """

    counts: Sequence[LineCount]
    complete: bool


class SearchIndex(Protocol):
    """Finds lines. One is found as soon as its segment is part of its run's log, exactly once, and until its retention ends."""

    def search(self, scope: SearchScope, query: Query, limit: int, before: LinePosition | None = None) -> SearchPage:
        """At most `limit` (1 to 1,000) lines that match, newest first, only those with a smaller place than `before`.

        Whatever the index cannot decide itself (Pattern, state) it decides on each candidate with `matching.Matcher`.
        Work is bounded (time and candidates looked at), at least one candidate is looked at per call, so that whoever
        goes on with `older` gets to the end. Raises Transient if what is stored cannot be read now.
        """

    def count(
        self, scope: SearchScope, query: Query, by: FieldName | None = None, interval: timedelta | None = None
    ) -> LineCounts:
        """How many lines match, by the values of a field (never state), by intervals of time, by both, or in all.

        Intervals begin at whole multiples of `interval` (whole seconds) since 1970-01-01T00:00:00Z. The caller has made
        sure that there are at most 1,000 of them. Raises Transient if what is stored cannot be read now.
        """
