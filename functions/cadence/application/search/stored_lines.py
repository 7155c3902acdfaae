"""Makes a search service one of the sources of a search."""

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

# Lines have the times of their runners' clocks, whatever they are: no line is older or newer than these.
_FIRST, _LAST = "0000", "9999-12-31T23:59:59.999Z"


@dataclass(frozen=True)
class StoreSource:
    """Searches the lines of a search service; implements `SearchSource`."""

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
        """Does nothing: the service's lines are not downloaded."""

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        return self.store.search(self.extent, query, matcher, limit, bounds, over)

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        return self.store.count(self.extent, query, matcher, counting, over)


@dataclass(frozen=True)
class IndexedInStore(IndexedLines):
    """Plans searches over the store, and over splits from before the store was in use."""

    splits: IndexedSplits
    store: LineStore

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        sources = list(self.splits.plan(organization, asked, skipped))
        if not asked:
            return sources
        fresh = [planned.source.segment for planned in sources if isinstance(planned.source, FreshSource)]
        since = {each.project: _since(each.query) for each in asked}
        source = StoreSource(self.store, Extent(organization, since, fresh))
        # One query for all projects begins with the longest retention.
        widest = min((each.query for each in asked), key=_since)
        return [*sources, PlannedSource(source, widest)]


def _since(query: Query) -> datetime:
    assert query.since is not None, "lines are not kept for ever"
    return query.since
