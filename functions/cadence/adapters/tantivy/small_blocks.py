"""Reads the blocks of splits that earlier versions wrote: 256 rows, columns of numbers, then the texts."""

import json
import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import cramjam

from cadence.adapters.lines.line_times import written
from cadence.adapters.tantivy.rows import Numbers, Origin, Row
from cadence.domain.search.split import SplitLine
from cadence.domain.search.tokens import plain

ROWS_PER_BLOCK = 256
_HEADER = struct.Struct("<II")
_ENCODING = ("utf-8", "surrogatepass")


def _unpacked(packed: memoryview) -> memoryview:
    return memoryview(cramjam.zstd.decompress(packed))


class _Columns:
    def __init__(self, packed: memoryview, rows: int) -> None:
        data = _unpacked(packed)
        at = 0
        columns = []
        for kind in "qIqIqHH":
            column = array(kind)
            size = rows * column.itemsize
            column.frombytes(data[at : at + size])
            columns.append(column)
            at += size
        gaps, self.origins, self.segments, self.indexes, self.leads, self.levels, self.streams = columns
        self.moments = list(accumulate(gaps))
        self.more: Mapping[str, Any] = json.loads(bytes(data[at:])) if at < len(data) else {}


class _Texts:
    def __init__(self, packed: memoryview, rows: int) -> None:
        data = _unpacked(packed)
        lengths = array("I")
        start = rows * lengths.itemsize
        lengths.frombytes(data[:start])
        self.bounds = [0, *accumulate(lengths)]
        self.data = data[start:]


class SmallBlock:
    """The rows of one block, from `first_row` on. Columns and texts are unpacked at their first use."""

    def __init__(self, packed: memoryview, first_row: int) -> None:
        self.first_row = first_row
        self.rows, size = _HEADER.unpack_from(packed)
        self._packed_columns = packed[_HEADER.size : _HEADER.size + size]
        self._packed_texts = packed[_HEADER.size + size :]
        self._columns: _Columns | None = None
        self._texts: _Texts | None = None

    # Not cached properties, in which one thread waits for another that unpacks another block.
    @property
    def columns(self) -> _Columns:
        if self._columns is None:
            self._columns = _Columns(self._packed_columns, self.rows)
        return self._columns

    def _its_texts(self) -> _Texts:
        if self._texts is None:
            self._texts = _Texts(self._packed_texts, self.rows)
        return self._texts

    def text(self, number: int) -> str:
        """Returns the text of a row. `number` counts within the block, as everywhere here."""
        texts = self._its_texts()
        return str(texts.data[texts.bounds[number] : texts.bounds[number + 1]], *_ENCODING)

    def texts(self) -> Iterator[str]:
        texts = self._its_texts()
        together = str(texts.data, *_ENCODING)
        if together.isascii():
            return (together[start:end] for start, end in pairwise(texts.bounds))
        return (self.text(number) for number in range(self.rows))

    def moment(self, number: int) -> int:
        return self.columns.moments[number]

    def rows_before_moment(self, moment: int) -> int:
        """Returns how many rows are older than `moment`."""
        return bisect_left(self.columns.moments, moment)

    def position(self, number: int) -> tuple[int, int, int]:
        """Returns the numbers of a row's origin and segment, and its index there."""
        columns = self.columns
        return columns.origins[number], columns.segments[number], columns.indexes[number]

    def rows_that_may_match(self, may_be_in: Callable[[str], bool]) -> Sequence[int]:
        """Returns rows, in order, among which are all that have a match by themselves."""
        return range(self.rows) if may_be_in("\n".join(map(plain, self.texts()))) else ()

    def line(self, number: int, origins: Sequence[Origin], levels: Sequence[str], streams: Sequence[str]) -> SplitLine:
        columns = self.columns
        pipeline, run_id, treatment, attempt, runner, pool = origins[columns.origins[number]]
        index, time = columns.indexes[number], written(columns.moments[number])
        line = {
            "seq": columns.leads[number] + index,
            "time": time,
            "runner": runner,
            "treatment": treatment,
            "attempt": attempt,
            "stream": streams[columns.streams[number]],
            "level": levels[columns.levels[number]],
            "text": self.text(number),
        }
        if pool is not None:
            line["pool"] = pool
        if columns.more:
            line |= columns.more.get(str(number), {})
        return SplitLine(time, run_id, columns.segments[number], index, pipeline, line)

    def as_rows(
        self, origins: Sequence[Origin], levels: Sequence[str], streams: Sequence[str], numbers: Numbers
    ) -> Sequence[Row]:
        """Returns all rows, numbered anew."""
        columns = self.columns
        origin_of = {origin: numbers.origins[origins[origin]] for origin in set(columns.origins)}
        more = [columns.more.get(str(number)) for number in range(self.rows)] if columns.more else [None] * self.rows
        return list(
            zip(
                columns.moments,
                [origins[origin][1] for origin in columns.origins],
                columns.segments,
                columns.indexes,
                [origin_of[origin] for origin in columns.origins],
                [numbers.levels[levels[level]] for level in columns.levels],
                [numbers.streams[streams[stream]] for stream in columns.streams],
                columns.leads,
                self.texts(),
                more,
                strict=True,
            )
        )
