"""Counts lines of a split by field and time, without reading them where the index suffices."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tantivy
from tantivy import Occur

from cadence.adapters.lines.line_times import Moments
from cadence.adapters.tantivy import index as fields
from cadence.adapters.tantivy.layout import SplitHead
from cadence.adapters.tantivy.rows import IN_ORIGIN
from cadence.adapters.tantivy.stored import StoredLines
from cadence.application.search.split_ports import SplitCounting, Tally
from cadence.domain.search.query import FieldName
from cadence.domain.search.split import SplitLine

# tantivy refuses to answer with more buckets than 65,000.
_MOST_BUCKETS = 60_000

Range = tuple[int | None, int, int]
"""Start of an interval (seconds since 1970), and its rows: from, to below."""


def within(schema: tantivy.Schema, query: tantivy.Query | None, first: int, end: int, lines: int) -> tantivy.Query:
    """Returns the part of `query` (None: everything) in rows from `first` to below `end` of `lines`."""
    if query is not None and first == 0 and end == lines:
        return query
    if first == 0 and end == lines:
        return tantivy.Query.all_query()
    rows = tantivy.Query.range_query(schema, fields.ROW, tantivy.FieldType.Integer, first, end - 1)
    return rows if query is None else tantivy.Query.boolean_query([(Occur.Must, query), (Occur.Must, rows)])


class Counter:
    def __init__(
        self,
        head: SplitHead,
        schema: tantivy.Schema,
        searcher: tantivy.Searcher,
        stored: StoredLines,
        counting: SplitCounting,
    ) -> None:
        self._head, self._schema, self._searcher, self._stored = head, schema, searcher, stored
        self._seconds = int(counting.interval.total_seconds()) if counting.interval is not None else None
        self._field, self._values, self._value_of = _by(head, counting.by)
        self._moments = Moments()

    @property
    def can_aggregate(self) -> bool:
        return len(self._values) < _MOST_BUCKETS

    def aggregated(self, query: tantivy.Query | None, first: int, end: int) -> Tally:
        """Returns the counts of rows from `first` to below `end` (at least one) that `query` finds (None: of all)."""
        tally: Tally = {}
        ranges = self._ranges(first, end)
        if self._field is None:
            for start, count in self._by_time(query, ranges):
                _add(tally, start, self._values[0], count)
            return tally
        at_once = max(_MOST_BUCKETS // max(len(self._values), 1), 1)
        for some in range(0, len(ranges), at_once):
            for start, number, count in self._by_field(query, ranges[some : some + at_once]):
                _add(tally, start, self._values[number], count)
        return tally

    def add(self, tally: Tally, line: SplitLine) -> None:
        """Counts one line."""
        start = None
        if self._seconds is not None:
            second = self._moments.of(line.time) // 1000
            start = second - second % self._seconds
        _add(tally, start, self._value_of(line), 1)

    def _ranges(self, first: int, end: int) -> Sequence[Range]:
        """Returns the intervals that have rows."""
        if self._seconds is None:
            return [(None, first, end)]
        ranges: list[Range] = []
        row = first
        while row < end:
            second = self._stored.moment(row) // 1000
            start = second - second % self._seconds
            following = min(self._stored.rows_before_moment((start + self._seconds) * 1000), end)
            ranges.append((start, row, following))
            row = following
        return ranges

    def _by_time(self, query: tantivy.Query | None, ranges: Sequence[Range]) -> Sequence[tuple[int | None, int]]:
        if query is None:
            return [(start, to - row) for start, row, to in ranges]
        inside = self._within(query, ranges)
        if len(ranges) == 1:
            return [(ranges[0][0], _number(self._searcher.search(inside, 1, count=True)))]
        answer = self._searcher.aggregate(inside, {"rows": _row_ranges(ranges)})
        return [(start, bucket["doc_count"]) for start, bucket in _in_ranges(answer["rows"], ranges)]

    def _by_field(self, query: tantivy.Query | None, ranges: Sequence[Range]) -> Sequence[tuple[int | None, int, int]]:
        inside = self._within(query, ranges)
        terms: dict[str, Any] = {"terms": {"field": self._field, "size": max(len(self._values), 1)}}
        if len(ranges) == 1:
            answer = self._searcher.aggregate(inside, {"values": terms})
            return [(ranges[0][0], int(one["key"]), one["doc_count"]) for one in answer["values"]["buckets"]]
        # Ranges of values take a twelfth of the time that values of ranges do.
        answer = self._searcher.aggregate(inside, {"rows": {**_row_ranges(ranges), "aggs": {"values": terms}}})
        return [
            (start, int(one["key"]), one["doc_count"])
            for start, bucket in _in_ranges(answer["rows"], ranges)
            for one in bucket["values"]["buckets"]
        ]

    def _within(self, query: tantivy.Query | None, ranges: Sequence[Range]) -> tantivy.Query:
        return within(self._schema, query, ranges[0][1], ranges[-1][2], self._head.lines)


def _by(
    head: SplitHead, by: FieldName | None
) -> tuple[str | None, Sequence[str | None], Callable[[SplitLine], str | None]]:
    """Returns the index's field to count by (None: all lines have one value), its values by number, a line's value."""
    if by is None:
        return None, [None], lambda line: None
    if by in (FieldName.ORGANIZATION, FieldName.PROJECT):
        owner = head.organization if by is FieldName.ORGANIZATION else head.project
        return None, [owner], lambda line: owner
    if by in (FieldName.LEVEL, FieldName.STREAM):
        values = head.levels if by is FieldName.LEVEL else head.streams
        return by.value, values, lambda line: str(line.line[by.value])
    if by is FieldName.STATE:
        raise ValueError("Lines cannot be counted by state.")
    place = IN_ORIGIN[by]
    return fields.ORIGIN, [origin[place] or "" for origin in head.origins], lambda line: _of_line(line, by)


def _of_line(line: SplitLine, by: FieldName) -> str:
    if by is FieldName.PIPELINE:
        return line.pipeline
    return line.run_id if by is FieldName.RUN else str(line.line.get(by.value) or "")


def _row_ranges(ranges: Sequence[Range]) -> Mapping[str, Any]:
    return {"range": {"field": fields.ROW, "ranges": [{"from": row, "to": to} for _, row, to in ranges]}}


def _in_ranges(found: Mapping[str, Any], ranges: Sequence[Range]) -> Sequence[tuple[int | None, Mapping[str, Any]]]:
    """Returns the answer's buckets that have lines, by the starts of their intervals."""
    starts = {row: start for start, row, _ in ranges}
    return [
        (starts[int(bucket["from"])], bucket)
        for bucket in found["buckets"]
        if bucket["doc_count"] and bucket.get("from") is not None and int(bucket["from"]) in starts
    ]


def _add(tally: Tally, start: int | None, value: str | None, count: int) -> None:
    if count:
        tally[start, value] = tally.get((start, value), 0) + count


def _number(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined] # missing in tantivy's own description
