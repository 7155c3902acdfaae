"""Looks through whole segments, newest line first: what no index has yet is searched like this."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cadence.application.log_ports import Line, LogSegments
from cadence.application.search_ports import Hit, Place
from cadence.domain.log import Segment
from cadence.domain.search.matching import Matcher, Owner
from cadence.domain.search.pruning import Facts, may_match
from cadence.domain.search.query import FieldName, Query


def owner_of(segment: Segment) -> Owner:
    return Owner(segment.organization, segment.project, segment.pipeline, segment.run_id)


def facts_of(segment: Segment) -> Facts:
    return {
        FieldName.ORGANIZATION: (segment.organization,),
        FieldName.PROJECT: (segment.project,),
        FieldName.PIPELINE: (segment.pipeline,),
        FieldName.RUN: (segment.run_id,),
        FieldName.TREATMENT: segment.treatments,
        FieldName.LEVEL: segment.levels,
    }


@dataclass(frozen=True)
class Seen:
    """A line that was looked at; `hit` if it matches."""

    place: Place
    hit: Hit | None


@dataclass(frozen=True)
class ScanSegments:
    segments: LogSegments

    def __call__(
        self, found: Iterable[Segment], query: Query, matches: Matcher, before: Place | None = None
    ) -> Iterator[Seen]:
        """Every line of those segments that can hold matches, in the order of its place, the newest first.

        A segment is read only once its turn comes, so whoever stops early reads few. It must be whole: each in `found` once.
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

    def _places(self, segment: Segment, before: Place | None) -> list[tuple[Place, Line]]:
        """Oldest first, so that the newest is taken from the end."""
        placed = (
            (Place(line["time"], segment.run_id, segment.number, index), line)
            for index, line in enumerate(self.segments.read(segment.key))
        )
        return sorted(
            ((place, line) for place, line in placed if before is None or place < before), key=lambda pair: pair[0]
        )


@dataclass
class _Newest:
    """A segment by its newest line that is left: `heapq` takes the smallest, so the newest is the smaller one."""

    segment: Segment
    lines: list[tuple[Place, Line]]

    @property
    def place(self) -> Place:
        return self.lines[-1][0]

    def __lt__(self, other: "_Newest") -> bool:
        return self.place > other.place


def _hit(segment: Segment, place: Place, line: Line, matches: Matcher) -> Hit | None:
    owner = owner_of(segment)
    if not matches(owner, line):
        return None
    return Hit(place, segment.organization, segment.project, segment.pipeline, line)


def newest_of(seen: Sequence[Iterator[Seen]]) -> Iterator[Seen]:
    """Several such scans (of an index and of what it has not yet) as one."""
    return heapq.merge(*seen, key=lambda one: one.place, reverse=True)
