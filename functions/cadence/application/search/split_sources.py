"""The sources of a search: splits and fresh segments."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.logs.ports import Line, LogSegments
from cadence.application.logs.segment_facts import facts_of, owner_of
from cadence.application.search.ports import Hit, LinePosition
from cadence.application.search.split_ports import (
    Deadline,
    SplitBounds,
    SplitCatalogue,
    SplitCounting,
    SplitHits,
    Splits,
    Tally,
)
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.pruning import Facts
from cadence.domain.search.query import FieldName, Query
from cadence.domain.search.split import Split, is_covered
from cadence.domain.shared.errors import InvalidRequest, NotFound


class SplitGone(Exception):
    """The object of a split (by its key) is gone: it was merged into another one, or has expired."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class SplitSource:
    """Searches a split; implements `SearchSource`. All methods raise SplitGone if its object is gone."""

    split: Split
    splits: Splits

    @property
    def first_time(self) -> str:
        return self.split.facts.first_time

    @property
    def last_time(self) -> str:
        return self.split.facts.last_time

    @property
    def facts(self) -> Facts:
        own = {FieldName.ORGANIZATION: (self.split.organization,), FieldName.PROJECT: (self.split.project,)}
        return {**self.split.facts.values, **own}

    def prepare(self, query: Query) -> None:
        """Downloads the split to this machine, if it may hold matching lines."""
        if self.splits.may_match(self.split, query) and self.splits.open(self.split) is None:
            raise SplitGone(self.split.key)

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        if not self.splits.may_match(self.split, query):
            return SplitHits([])
        opened = self.splits.open(self.split)
        if opened is None:
            raise SplitGone(self.split.key)
        return opened.search(query, matcher, limit, bounds, over)

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        if not self.splits.may_match(self.split, query):
            return {}, True
        opened = self.splits.open(self.split)
        if opened is None:
            raise SplitGone(self.split.key)
        return opened.count(query, matcher, counting, over)


@dataclass(frozen=True)
class FreshSource:
    """Searches a fresh segment; implements `SearchSource`."""

    segment: Segment
    segments: LogSegments

    @property
    def first_time(self) -> str:
        return self.segment.first_time

    @property
    def last_time(self) -> str:
        return self.segment.last_time

    @property
    def facts(self) -> Facts:
        return facts_of(self.segment)

    def prepare(self, query: Query) -> None:
        """Reads its lines, which `segments` remembers."""
        self._lines()

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        """Searches the whole segment, which is small."""
        hits = [
            hit
            for hit in self._hits(matcher)
            if (bounds.before is None or hit.place < bounds.before)
            and (bounds.from_place is None or hit.place >= bounds.from_place)
        ]
        hits.sort(key=lambda hit: hit.place, reverse=True)
        return SplitHits(hits[:limit])

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        return dict(Counter(map(counted_as(counting), self._hits(matcher)))), True

    def _hits(self, matcher: Matcher) -> list[Hit]:
        segment, owner = self.segment, owner_of(self.segment)
        return [
            Hit(
                place=LinePosition(line["time"], segment.run_id, segment.number, index),
                organization=segment.organization,
                project=segment.project,
                pipeline=segment.pipeline,
                line=line,
            )
            for index, line in enumerate(self._lines())
            if matcher.matches(owner, line)
        ]

    def _lines(self) -> Sequence[Line]:
        """Returns its lines; none if it cannot be read, since it is set aside when the index is built."""
        try:
            return self.segments.read(self.segment.key)
        except (InvalidRequest, NotFound):
            return []


class SearchSource(Protocol):
    """Lines that are searched together; the times are those of its oldest and newest line, in the lines' format."""

    @property
    def first_time(self) -> str: ...

    @property
    def last_time(self) -> str: ...

    @property
    def facts(self) -> Facts: ...

    def prepare(self, query: Query) -> None: ...

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits: ...

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]: ...


@dataclass(frozen=True)
class SourceQuery:
    """The query for one project, bounded by its retention, and its fresh segments, listed before the splits."""

    project: str
    query: Query
    fresh: Sequence[Segment]


@dataclass(frozen=True)
class PlannedSource:
    """A source and the query to search it with."""

    source: SearchSource
    query: Query


class IndexedLines(Protocol):
    """Plans over which sources an organization's lines are searched."""

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        """Returns sources that together hold each line exactly once.

        `asked` are the queries by project; `skipped` are keys of splits that are listed but gone.
        """


@dataclass(frozen=True)
class IndexedSplits(IndexedLines):
    """Plans searches over splits and fresh segments."""

    catalogue: SplitCatalogue
    segments: LogSegments
    splits: Splits

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        planned: list[PlannedSource] = []
        for each in asked:
            splits = self.catalogue.list_splits(organization, each.project)
            sources: list[SearchSource] = [
                FreshSource(segment, self.segments) for segment in each.fresh if not is_covered(segment, splits)
            ]
            sources += [SplitSource(split, self.splits) for split in splits if split.key not in skipped]
            planned += [PlannedSource(source, each.query) for source in sources]
        return planned


def counted_as(counting: SplitCounting) -> Callable[[Hit], tuple[int | None, str | None]]:
    """Returns a function that maps a line to its key in a tally."""
    value_of = _value_of(counting.by)
    seconds = int(counting.interval.total_seconds()) if counting.interval is not None else None
    return lambda hit: (_start(hit.place.time, seconds), value_of(hit))


def _start(time: str, seconds: int | None) -> int | None:
    if seconds is None:
        return None
    second = int(datetime.fromisoformat(time).timestamp())
    return second - second % seconds


def _value_of(by: FieldName | None) -> Callable[[Hit], str | None]:
    match by:
        case None:
            return lambda hit: None
        case FieldName.ORGANIZATION | FieldName.PROJECT | FieldName.PIPELINE:
            name = by.value
            return lambda hit: str(getattr(hit, name))
        case FieldName.RUN:
            return lambda hit: hit.place.run_id
        case _:
            name = by.value
            return lambda hit: str(hit.line.get(name) or "")
