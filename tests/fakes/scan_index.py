"""A search index that is none: it looks through segments themselves. What the real one has to agree with."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from cadence.application.logs.ports import Line, LogSegments
from cadence.application.logs.segment_facts import facts_of, owner_of
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
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import FieldName, Query

_LONGEST = timedelta(seconds=5)
_MOST_VALUES = 100


@dataclass(frozen=True)
class Seen:
    """A line that was looked at; `hit` if it matches."""

    place: LinePosition
    hit: Hit | None


@dataclass(frozen=True)
class ScanSegments:
    segments: LogSegments

    def __call__(
        self, found: Iterable[Segment], query: Query, matches: Matcher, before: LinePosition | None = None
    ) -> Iterator[Seen]:
        """Every line of those segments that can hold matches, in the order of its place, the newest first.

        A segment is read only once its turn comes, so whoever stops early reads few. It must be whole: each in `found`
        once.
        """
        waiting = sorted(
            (
                segment
                for segment in found
                if may_match(query, facts_of(segment), segment.first_time, segment.last_time)
                and (before is None or segment.first_time <= before.time)
            ),
            key=lambda segment: segment.last_time,
        )
        heap: list[_Newest] = []
        while waiting or heap:
            # One that is not read yet may hold a line as new as its newest.
            while waiting and (not heap or waiting[-1].last_time >= heap[0].place.time):
                segment = waiting.pop()
                lines = self._places(segment, before)
                if lines:
                    heapq.heappush(heap, _Newest(segment, lines))
            if heap:
                newest = heap[0]
                place, line = newest.lines.pop()
                if newest.lines:
                    heapq.heapreplace(heap, newest)
                else:
                    heapq.heappop(heap)
                yield Seen(place, _hit(newest.segment, place, line, matches))

    def _places(self, segment: Segment, before: LinePosition | None) -> list[tuple[LinePosition, Line]]:
        """Oldest first, so that the newest is taken from the end."""
        placed = (
            (LinePosition(line["time"], segment.run_id, segment.number, index), line)
            for index, line in enumerate(self.segments.read(segment.key))
        )
        return sorted(
            ((place, line) for place, line in placed if before is None or place < before), key=lambda pair: pair[0]
        )


@dataclass
class _Newest:
    """A segment by its newest line that is left: `heapq` takes the smallest, so the newest is the smaller one."""

    segment: Segment
    lines: list[tuple[LinePosition, Line]]

    @property
    def place(self) -> LinePosition:
        return self.lines[-1][0]

    def __lt__(self, other: "_Newest") -> bool:
        return self.place > other.place


def _hit(segment: Segment, place: LinePosition, line: Line, matches: Matcher) -> Hit | None:
    owner = owner_of(segment)
    if not matches.matches(owner, line):
        return None
    return Hit(
        place=place, organization=segment.organization, project=segment.project, pipeline=segment.pipeline, line=line
    )


@dataclass(frozen=True)
class ScanIndex(SearchIndex):
    """`all_segments` gives those of a project, in no order."""

    all_segments: Callable[[str, str], Sequence[Segment]]
    scan: ScanSegments
    states: TreatmentStates
    clock: Clock

    def search(self, scope: SearchScope, query: Query, limit: int, before: LinePosition | None = None) -> SearchPage:
        until = self.clock() + _LONGEST
        hits: list[Hit] = []
        for seen in self._seen(scope, query, before):
            if seen.hit:
                hits.append(seen.hit)
            if len(hits) == limit or self.clock() >= until:
                return SearchPage(hits, seen.place)
        return SearchPage(hits, None)

    def count(
        self, scope: SearchScope, query: Query, by: FieldName | None = None, interval: timedelta | None = None
    ) -> LineCounts:
        until = self.clock() + _LONGEST
        tally: Counter[tuple[datetime | None, str | None]] = Counter()
        for seen in self._seen(scope, query, None):
            if seen.hit:
                tally[_start(seen.hit, interval), _value(seen.hit, by)] += 1
            if self.clock() >= until:
                return LineCounts(_counts(tally), complete=False)
        return LineCounts(_counts(tally), complete=True)

    def count_by_fields(self, scope: SearchScope, query: Query, fields: Sequence[FieldName]) -> Sequence[LineCounts]:
        return [self.count(scope, query, field) for field in fields]

    def _seen(self, scope: SearchScope, query: Query, before: LinePosition | None) -> Iterable[Seen]:
        segments = [one for project in scope.projects for one in self.all_segments(scope.organization, project)]
        return self.scan(segments, query, Matcher(query, self.states.within()), before)


def _start(hit: Hit, interval: timedelta | None) -> datetime | None:
    if interval is None:
        return None
    seconds = int(interval.total_seconds())
    moment = datetime.fromisoformat(hit.place.time).timestamp()
    return datetime.fromtimestamp(moment // seconds * seconds, UTC)


def _value(hit: Hit, by: FieldName | None) -> str | None:
    if by is None:
        return None
    owner = {
        "organization": hit.organization,
        "project": hit.project,
        "pipeline": hit.pipeline,
        "run": hit.place.run_id,
    }
    return owner.get(by.value) or hit.line.get(by.value) or ""


def _counts(tally: Counter[tuple[datetime | None, str | None]]) -> Sequence[LineCount]:
    counts = [LineCount(start, value, lines) for (start, value), lines in tally.items()]
    counts.sort(key=lambda one: (one.start or datetime.min.replace(tzinfo=UTC), -one.lines, one.value or ""))
    by_start = groupby(counts, key=lambda one: one.start)
    return [one for _, its in by_start for one in list(its)[:_MOST_VALUES]]
