"""What a search looks through: splits and fresh segments, alike."""

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
from cadence.domain.shared.errors import InvalidRequest


class SplitGone(Exception):
    """A split's object (by its key) is not in the store any more: it was merged into another one, or has expired."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class SplitSource:
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
        """Brings it to this machine, if it may hold what is looked for. Raises SplitGone."""
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
        """Its lines are remembered once they are read."""
        self._lines()

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        """It is small, and always looked through as a whole."""
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
            if matcher(owner, line)
        ]

    def _lines(self) -> Sequence[Line]:
        """A segment that cannot be read is set aside when the index is built; until then a search goes on without it."""
        try:
            return self.segments.read(self.segment.key)
        except InvalidRequest:
            return []


class SearchSource(Protocol):
    """Lines that are looked at together. The times are of its oldest and newest line, as lines write them."""

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
    """What is asked of a project. `query` does not go beyond its retention; `fresh` was listed before now."""

    project: str
    query: Query
    fresh: Sequence[Segment]


@dataclass(frozen=True)
class PlannedSource:
    source: SearchSource
    query: Query


class IndexedLines(Protocol):
    """What of an organization's lines is indexed, and how."""

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        """Sources that together hold each line exactly once. `skipped` are keys of splits that are not there, though listed."""


@dataclass(frozen=True)
class IndexedSplits(IndexedLines):
    catalogue: SplitCatalogue
    segments: LogSegments
    splits: Splits

    def plan(self, organization: str, asked: Sequence[SourceQuery], skipped: frozenset[str]) -> Sequence[PlannedSource]:
        found: list[PlannedSource] = []
        for one in asked:
            splits = self.catalogue.list_splits(organization, one.project)
            sources: list[SearchSource] = [
                FreshSource(it, self.segments) for it in one.fresh if not is_covered(it, splits)
            ]
            sources += [SplitSource(split, self.splits) for split in splits if split.key not in skipped]
            found += [PlannedSource(source, one.query) for source in sources]
        return found


def counted_as(counting: SplitCounting) -> Callable[[Hit], tuple[int | None, str | None]]:
    """Under which key of a tally a line is counted."""
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
