"""Implements `SearchIndex` over indexed lines and fresh segments: the newest first, and only as far as necessary."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from typing import TypeVar

from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.ports import (
    Hit,
    LineCount,
    LineCounts,
    LinePosition,
    SearchIndex,
    SearchPage,
    SearchScope,
)
from cadence.application.search.split_ports import Deadline, SplitBounds, SplitCatalogue, SplitCounting, Tally
from cadence.application.search.split_sources import IndexedLines, PlannedSource, SourceQuery, SplitGone
from cadence.application.shared.ports import Clock
from cadence.domain.search.matching import Matcher
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import FieldName, Query

_log = logging.getLogger("cadence.search")

T = TypeVar("T")

LONGEST = timedelta(seconds=6)
_MOST_VALUES = 100
# Sorts after all run ids, which consist of digits and letters.
_AFTER_ALL_RUNS = "~"
# How many further splits are downloaded while one is searched: more, the longer nothing is found.
_MOST_AHEAD = 8
# A split that was merged while it was searched is read again under its new name.
_ATTEMPTS = 3
_RETENTION_REMEMBERED = timedelta(seconds=30)


@dataclass
class _Retentions:
    """Reads projects' retentions, and remembers them for half a minute."""

    catalogue: SplitCatalogue
    clock: Clock
    longest: timedelta
    known: dict[tuple[str, str], tuple[datetime, timedelta]] = field(default_factory=dict)

    def __call__(self, organization: str, project: str) -> timedelta:
        now = self.clock()
        read_at, retention = self.known.get((organization, project), (None, self.longest))
        if read_at is None or now - read_at > _RETENTION_REMEMBERED:
            own = self.catalogue.get_state(organization, project).retention
            retention = min(own or self.longest, self.longest)
            self.known[organization, project] = now, retention
        return retention


class SearchLines(SearchIndex):
    """Searches the lines of projects.

    `longest` is how long lines are found unless the project sets a shorter time; `workers` download splits, and count.
    """

    def __init__(
        self,
        catalogue: SplitCatalogue,
        indexed: IndexedLines,
        states: TreatmentStates,
        clock: Clock,
        longest: timedelta,
        workers: Executor,
        budget: timedelta = LONGEST,
    ) -> None:
        self._catalogue, self._indexed = catalogue, indexed
        self._states, self._clock, self._workers, self._budget = states, clock, workers, budget
        self._retentions = _Retentions(catalogue, clock, longest)

    def search(self, scope: SearchScope, query: Query, limit: int, before: LinePosition | None = None) -> SearchPage:
        over = self._deadline()
        matcher = Matcher(query, self._states.within())
        return self._with_splits_present(
            lambda skipped: self._search(self._sources(scope, query, before, skipped), matcher, limit, before, over)
        )

    def count(
        self, scope: SearchScope, query: Query, by: FieldName | None = None, interval: timedelta | None = None
    ) -> LineCounts:
        return self._counted(scope, query, [SplitCounting(by, interval)])[0]

    def count_by_fields(self, scope: SearchScope, query: Query, fields: Sequence[FieldName]) -> Sequence[LineCounts]:
        return self._counted(scope, query, [SplitCounting(field, None) for field in fields])

    def _counted(self, scope: SearchScope, query: Query, countings: Sequence[SplitCounting]) -> Sequence[LineCounts]:
        over = self._deadline()
        matcher = Matcher(query, self._states.within())
        return self._with_splits_present(
            lambda skipped: self._count(self._sources(scope, query, None, skipped), matcher, countings, over)
        )

    def _deadline(self) -> Deadline:
        until = self._clock() + self._budget
        return lambda: self._clock() >= until

    def _with_splits_present(self, once: Callable[[frozenset[str]], T]) -> T:
        """Repeats a search whose split is gone, since it was merged; a split that is still listed is left out."""
        missing: set[str] = set()
        for _ in range(_ATTEMPTS):
            try:
                return once(frozenset())
            except SplitGone as gone:
                missing.add(gone.key)
        while True:
            _log.error("splits are not in the bucket, and are left out of a search", extra={"keys": sorted(missing)})
            try:
                return once(frozenset(missing))
            except SplitGone as gone:
                missing.add(gone.key)

    def _sources(
        self, scope: SearchScope, query: Query, before: LinePosition | None, skipped: frozenset[str]
    ) -> Sequence[PlannedSource]:
        """Returns the sources that may hold matching lines, the newest first."""
        queries: list[SourceQuery] = []
        now = self._clock()
        for project in scope.projects:
            earliest = now - self._retentions(scope.organization, project)
            bounded = query if query.since is not None and query.since > earliest else replace(query, since=earliest)
            # Listed before the indexed lines: a segment that is indexed in between is in both, and never in none.
            queries.append(SourceQuery(project, bounded, self._catalogue.list_fresh(scope.organization, project)))
        sources = [
            planned
            for planned in self._indexed.plan(scope.organization, queries, skipped)
            if may_match(planned.query, planned.source.facts, planned.source.first_time, planned.source.last_time)
            and (before is None or planned.source.first_time <= before.time)
        ]
        return sorted(sources, key=lambda planned: planned.source.last_time, reverse=True)

    def _search(
        self,
        sources: Sequence[PlannedSource],
        matcher: Matcher,
        limit: int,
        before: LinePosition | None,
        over: Deadline,
    ) -> SearchPage:
        hits: list[Hit] = []
        # All lines from there on have been examined; older ones only in some sources.
        down_to: LinePosition | None = None
        searched = 0
        with self._prepared(sources) as prepared:
            for planned in prepared:
                newest = planned.source.last_time
                # One more than requested, to know whether there are more.
                least = hits[limit].place if len(hits) > limit else None
                if (least is not None and newest < least.time) or (down_to is not None and newest < down_to.time):
                    break
                if over() and searched and (before is None or newest < before.time):
                    down_to = _later(down_to, LinePosition(newest, _AFTER_ALL_RUNS, 0, 0))
                    break
                bounds = SplitBounds(before, _later(least, down_to))
                result = planned.source.search(planned.query, matcher, limit + 1, bounds, over)
                searched += 1
                hits = list(islice(merge(hits, result.hits, key=_place, reverse=True), limit + 1))
                down_to = _later(down_to, result.down_to)
        complete = [hit for hit in hits if down_to is None or hit.place >= down_to]
        if len(complete) > limit:
            return SearchPage(complete[:limit], complete[limit - 1].place)
        return SearchPage(complete, down_to)

    @contextmanager
    def _prepared(self, sources: Sequence[PlannedSource]) -> Iterator[Iterator[PlannedSource]]:
        """Yields the sources in order; some of the following ones are prepared meanwhile."""
        coming: deque[tuple[PlannedSource, Future[None]]] = deque()
        remaining = iter(sources)

        def ahead(number: int) -> None:
            for planned in islice(remaining, max(number - len(coming), 0)):
                coming.append((planned, self._workers.submit(planned.source.prepare, planned.query)))

        def one_by_one() -> Iterator[PlannedSource]:
            number = 1
            ahead(number)
            while coming:
                planned, ready = coming.popleft()
                ready.result()
                yield planned
                number = min(number * 2, _MOST_AHEAD)
                ahead(number)

        try:
            yield one_by_one()
        finally:
            for _, future in coming:
                future.cancel()

    def _count(
        self,
        sources: Sequence[PlannedSource],
        matcher: Matcher,
        countings: Sequence[SplitCounting],
        over: Deadline,
    ) -> Sequence[LineCounts]:
        def counted(planned: PlannedSource) -> Sequence[tuple[Tally, bool]]:
            return [
                ({}, False) if over() else planned.source.count(planned.query, matcher, counting, over)
                for counting in countings
            ]

        totals: list[Tally] = [{} for _ in countings]
        complete = [True] * len(countings)
        for tallies in self._workers.map(counted, sources):
            for number, (tally, whole) in enumerate(tallies):
                complete[number] = complete[number] and whole
                for key, lines in tally.items():
                    totals[number][key] = totals[number].get(key, 0) + lines
        return [LineCounts(_counts(total), whole) for total, whole in zip(totals, complete, strict=True)]


def _place(hit: Hit) -> LinePosition:
    return hit.place


def _later(one: LinePosition | None, other: LinePosition | None) -> LinePosition | None:
    return max(one, other) if one is not None and other is not None else one or other


def _counts(tally: Tally) -> Sequence[LineCount]:
    ordered = sorted(tally.items(), key=lambda item: (item[0][0] or 0, -item[1], item[0][1] or ""))
    by_start = groupby(ordered, key=lambda item: item[0][0])
    return [
        LineCount(None if start is None else datetime.fromtimestamp(start, UTC), value, lines)
        for _, items in by_start
        for (start, value), lines in islice(items, _MOST_VALUES)
    ]
