"""Searches the lines that a principal may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.search.ports import LineCounts, LinePosition, SearchIndex, SearchPage, SearchScope
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Principal
from cadence.domain.search.parse import parse
from cadence.domain.search.query import FieldName, Query
from cadence.domain.shared.errors import InvalidRequest, Violation

MOST_INTERVALS = 1_000


@dataclass(frozen=True)
class ReadQuery:
    """Parses queries and determines what a principal may search.

    Raises BadQuery for text that is no query, and NotFound for a project that the principal does not see.
    """

    visible: VisibleRuns
    clock: Clock

    def parse(self, text: str, now: datetime) -> Query:
        """Parses a query; relative times count from `now`."""
        return parse(text, now)

    def scope(self, principal: Principal, project: str | None) -> SearchScope:
        """Returns the scope, from the token alone; a query can only narrow it."""
        return SearchScope(principal.organization, tuple(self.visible.projects(principal, project)))


@dataclass(frozen=True)
class FindLines(ReadQuery):
    """Finds and counts lines; every method raises NotFound for a project that the principal does not see."""

    index: SearchIndex

    def page(
        self, principal: Principal, query: Query, project: str | None, limit: int, before: LinePosition | None = None
    ) -> SearchPage:
        """Returns at most `limit` lines, the newest first, that are older than `before`."""
        return self.index.search(self.scope(principal, project), query, limit, before)

    def counts(
        self,
        principal: Principal,
        query: Query,
        project: str | None,
        by: FieldName | None,
        interval: timedelta | None,
    ) -> LineCounts:
        """Counts lines by the values of a field, by intervals of time, by both, or in all.

        Raises InvalidRequest for more than 1,000 intervals, for intervals without a beginning, and for counts by state.
        """
        if by is not None:
            _check_field(by)
        if interval is not None:
            self._check(interval, query)
        return self.index.count(self.scope(principal, project), query, by, interval)

    def counts_by_fields(
        self, principal: Principal, query: Query, project: str | None, fields: Sequence[FieldName]
    ) -> Sequence[LineCounts]:
        """Counts lines by the values of each field, in the order of `fields`. Raises InvalidRequest for the state."""
        for field in fields:
            _check_field(field)
        return self.index.count_by_fields(self.scope(principal, project), query, fields)

    def _check(self, interval: timedelta, query: Query) -> None:
        if query.since is None:
            raise _wrong("interval", "Counts over time need a beginning: add one to the query, for example since:1d.")
        until = query.until or self.clock()
        if (until - query.since) / interval > MOST_INTERVALS:
            least = -(-int((until - query.since).total_seconds()) // MOST_INTERVALS)
            raise _wrong(
                "interval",
                f"There would be more than {MOST_INTERVALS} intervals. Use intervals of at least {least} s, or a shorter "
                "time.",
            )


def _check_field(field: FieldName) -> None:
    if field is FieldName.STATE:
        raise _wrong("by", "States change, so lines cannot be counted by them. Filter by one: state:failed.")


def _wrong(parameter: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation(parameter, message)])


def as_text(place: LinePosition) -> str:
    """Returns a position as text, for cursors."""
    return f"{place.time} {place.run_id} {place.segment} {place.index}"


def from_text(text: str) -> LinePosition:
    """Reads a text of `as_text`. Raises ValueError for any other."""
    time, run_id, segment, index = text.split(" ")
    return LinePosition(time, run_id, int(segment), int(index))
