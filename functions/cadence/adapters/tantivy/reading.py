"""Searches and counts the lines of a split on this machine."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import tantivy

from cadence.adapters.lines.line_times import Moments
from cadence.adapters.tantivy import index as fields
from cadence.adapters.tantivy.conditions import TantivyCondition, Translation, finds_nothing
from cadence.adapters.tantivy.counting import Counter, within
from cadence.adapters.tantivy.layout import SplitHead
from cadence.adapters.tantivy.stored import StoredLines
from cadence.application.search.ports import Hit, LinePosition
from cadence.application.search.split_ports import Deadline, OpenSplit, SplitBounds, SplitCounting, SplitHits, Tally
from cadence.domain.search.matching import LineOwner, Matcher, bound
from cadence.domain.search.query import And, Condition, Pattern, Query
from cadence.domain.search.regex import BadRegex, searches
from cadence.domain.search.split import SplitLine
from cadence.domain.search.tokens import plain

# Candidates between two looks at the clock, and how many are fetched from the index at a time.
_LOOKED_AT = 16
_FIRST_CANDIDATES, _MOST_CANDIDATES = 256, 32_768
# Expressions that would mean something else when a block's lines are searched together.
_OF_WHOLE_TEXT = re.compile(r"\\[Az]|\(\?[a-zA-Z]*-|\(\?[a-zA-Z]*[xRU]")


@dataclass(frozen=True)
class _Rows:
    """Rows from `first` to below `end`."""

    first: int
    end: int


class TantivySplit(OpenSplit):
    def __init__(self, head: SplitHead, index: tantivy.Index, stored: StoredLines) -> None:
        self._head = head
        self._schema = index.schema
        self._searcher = index.searcher()
        self.stored = self._stored = stored
        self._translate = Translation(self._schema, self._searcher, head)

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        rows = self._rows(query, bounds)
        translated = self._translate.translate(query.where)
        if rows.first >= rows.end or finds_nothing(translated):
            return SplitHits([])
        if translated.exact:
            return SplitHits([self._hit(row) for row in self._newest(translated, rows, limit)])
        hits: list[Hit] = []
        may_match = _of_texts(query.where)
        for looked_at, row in enumerate(self._candidates(query.where, translated, rows)):
            if looked_at and looked_at % _LOOKED_AT == 0 and over():
                return SplitHits(hits, self._stored.place(row + 1))
            if may_match is not None and not may_match(plain(self._stored.text(row))):
                continue
            line = self._stored.line(row)
            if self._matches(matcher, line):
                hits.append(self._as_hit(line))
                if len(hits) == limit:
                    break
        return SplitHits(hits)

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        rows = self._rows(query, SplitBounds())
        translated = self._translate.translate(query.where)
        if rows.first >= rows.end or finds_nothing(translated):
            return {}, True
        counter = Counter(self._head, self._schema, self._searcher, self._stored, counting)
        if translated.exact and counter.can_aggregate:
            return counter.aggregated(translated.query, rows.first, rows.end), True
        tally: Tally = {}
        for looked_at, row in enumerate(self._candidates(query.where, translated, rows), 1):
            line = self._stored.line(row)
            if translated.exact or self._matches(matcher, line):
                counter.add(tally, line)
            if looked_at % _LOOKED_AT == 0 and over():
                return tally, False
        return tally, True

    def _rows(self, query: Query, bounds: SplitBounds) -> _Rows:
        first, end = 0, self._head.lines
        if query.since is not None:
            first = self._stored.rows_before_moment(_moment(query.since))
        if query.until is not None:
            end = self._stored.rows_before_moment(_moment(query.until))
        if bounds.before is not None:
            end = min(end, self._stored.rows_before(bounds.before))
        if bounds.from_place is not None:
            first = max(first, self._stored.rows_before(bounds.from_place))
        return _Rows(first, end)

    def _candidates(self, where: Condition, translated: TantivyCondition, rows: _Rows) -> Iterator[int]:
        """Returns rows that may match, newest first."""
        if translated.finds_all:
            yield from self._by_block(where, rows)
            return
        end, size = rows.end, _FIRST_CANDIDATES
        while end > rows.first:
            numbers = self._newest(translated, _Rows(rows.first, end), size)
            yield from numbers
            if len(numbers) < size:
                return
            end, size = numbers[-1], min(size * 4, _MOST_CANDIDATES)

    def _by_block(self, where: Condition, rows: _Rows) -> Iterator[int]:
        may_be_in = _of_blocks(where)
        size = self._stored.rows_per_block
        for index in range((rows.end - 1) // size, rows.first // size - 1, -1):
            start = index * size
            inside = range(min(rows.end, start + size) - 1, max(rows.first, start) - 1, -1)
            if may_be_in is None:
                yield from inside
                continue
            numbers = reversed(self._stored.block(index).rows_that_may_match(may_be_in))
            found = [row for number in numbers if (row := start + number) in inside]
            yield from found
            # The oldest row of the block, so that callers can look at the clock also where nothing matches.
            if not found or found[-1] != inside[-1]:
                yield inside[-1]

    def _newest(self, translated: TantivyCondition, rows: _Rows, limit: int) -> Sequence[int]:
        if translated.query is None:
            return range(rows.end - 1, max(rows.first, rows.end - limit) - 1, -1)
        query = within(self._schema, translated.query, rows.first, rows.end, self._head.lines)
        hits = self._searcher.search(query, limit, count=False, order_by_field=fields.ROW)
        return [int(row) for row, _ in hits.hits]

    def _hit(self, row: int) -> Hit:
        return self._as_hit(self._stored.line(row))

    def _as_hit(self, line: SplitLine) -> Hit:
        place = LinePosition(line.time, line.run_id, line.segment, line.position)
        return Hit(
            place=place,
            organization=self._head.organization,
            project=self._head.project,
            pipeline=line.pipeline,
            line=line.line,
        )

    def _matches(self, matcher: Matcher, line: SplitLine) -> bool:
        return matcher.matches(
            LineOwner(self._head.organization, self._head.project, line.pipeline, line.run_id), line.line
        )


def _moment(time: datetime) -> int:
    return Moments().of(bound(time) or "")


def _of_blocks(where: Condition) -> Callable[[str], bool] | None:
    """Returns a function that decides whether lines, one after the other, may hold a match.

    It answers None if that is not certain.
    """
    for pattern in _patterns(where):
        if not _OF_WHOLE_TEXT.search(pattern.regex):
            try:
                return searches(f"(?m){pattern.regex}")
            except BadRegex:
                continue
    return None


def _of_texts(where: Condition) -> Callable[[str], bool] | None:
    """Returns a function that decides on a text alone whether a required regular expression matches.

    That is much cheaper than deciding on the line.
    """
    return next((searches(pattern.regex) for pattern in _patterns(where)), None)


def _patterns(where: Condition) -> Sequence[Pattern]:
    """Returns regular expressions that every matching line meets."""
    parts = where.parts if isinstance(where, And) else (where,)
    return [part for part in parts if isinstance(part, Pattern)]
