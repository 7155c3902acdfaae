"""A search index that is none: it looks through segments themselves."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from cadence.application.ports import Clock
from cadence.application.scan_segments import ScanSegments, Seen
from cadence.application.search_ports import Count, Counts, Hit, Place, Scope, SearchIndex, SearchPage
from cadence.application.treatment_states import TreatmentStates
from cadence.domain.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import FieldName, Query

_LONGEST = timedelta(seconds=5)
_MOST_VALUES = 100


@dataclass(frozen=True)
class ScanIndex(SearchIndex):
    """`all_segments` gives those of a project, in no order."""

    all_segments: Callable[[str, str], Sequence[Segment]]
    scan: ScanSegments
    states: TreatmentStates
    clock: Clock

    def search(self, scope: Scope, query: Query, limit: int, before: Place | None = None) -> SearchPage:
        until = self.clock() + _LONGEST
        hits: list[Hit] = []
        for seen in self._seen(scope, query, before):
            if seen.hit:
                hits.append(seen.hit)
            if len(hits) == limit or self.clock() >= until:
                return SearchPage(hits, seen.place)
        return SearchPage(hits, None)

    def count(
        self, scope: Scope, query: Query, by: FieldName | None = None, interval: timedelta | None = None
    ) -> Counts:
        until = self.clock() + _LONGEST
        tally: Counter[tuple[datetime | None, str | None]] = Counter()
        for seen in self._seen(scope, query, None):
            if seen.hit:
                tally[_start(seen.hit, interval), _value(seen.hit, by)] += 1
            if self.clock() >= until:
                return Counts(_counts(tally), complete=False)
        return Counts(_counts(tally), complete=True)

    def _seen(self, scope: Scope, query: Query, before: Place | None) -> Iterable[Seen]:
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


def _counts(tally: Counter[tuple[datetime | None, str | None]]) -> Sequence[Count]:
    counts = [Count(start, value, lines) for (start, value), lines in tally.items()]
    counts.sort(key=lambda one: (one.start or datetime.min.replace(tzinfo=UTC), -one.lines, one.value or ""))
    by_start = groupby(counts, key=lambda one: one.start)
    return [one for _, its in by_start for one in list(its)[:_MOST_VALUES]]
