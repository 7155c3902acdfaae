"""A search service as one of the sources that a search looks through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.search.line_store_ports import Extent, LineStore
from cadence.application.search.split_ports import Deadline, SplitBounds, SplitCounting, SplitHits, Tally
from cadence.application.search.split_sources import (
    FreshSource,
    IndexedLines,
    IndexedSplits,
    PlannedSource,
    SourceQuery,
)
from cadence.domain.search.matching import Matcher, bound
from cadence.domain.search.pruning import Facts
from cadence.domain.search.query import FieldName, Query

# Runners say what time it is there: no line is older or newer than these.
_FIRST, _LAST = "0000", "9999-12-31T23:59:59.999Z"


@dataclass(frozen=True)
class StoreSource:
    store: LineStore
    extent: Extent

    @property
    def first_time(self) -> str:
        return bound(min(self.extent.since.values())) or _FIRST

    @property
    def last_time(self) -> str:
        return _LAST

    @property
    def facts(self) -> Facts:
        return {
            FieldName.ORGANIZATION: (self.extent.organization,),
            FieldName.PROJECT: tuple(self.extent.since),
        }

    def prepare(self, query: Query) -> None:
        """It is never brought here."""

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        return self.store.search(self.extent, query, matcher, limit, bounds, over)

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        return self.store.count(self.extent, query, matcher, counting, over)


@dataclass(frozen=True)
class IndexedInStore(IndexedLines):
    """Lines that the store has, and those that splits still hold from before there was one."""

    splits: IndexedSplits
    store: LineStore

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        found = list(self.splits.plan(organization, asked, skipped))
        if not asked:
            return found
        fresh = [planned.source.segment for planned in found if isinstance(planned.source, FreshSource)]
        since = {one.project: _since(one.query) for one in asked}
        source = StoreSource(self.store, Extent(organization, since, fresh))
        # Of one query for all projects the time is that of the one that keeps its lines longest.
        widest = min((one.query for one in asked), key=_since)
        return [*found, PlannedSource(source, widest)]


def _since(query: Query) -> datetime:
    assert query.since is not None, "lines are not kept for ever"
    return query.since
