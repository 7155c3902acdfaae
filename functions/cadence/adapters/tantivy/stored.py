"""The lines of a split, by row."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cadence.adapters.lines.line_times import Moments
from cadence.adapters.tantivy.blocks import ROWS_PER_BLOCK, Block
from cadence.adapters.tantivy.layout import SplitHead
from cadence.adapters.tantivy.rows import Numbers, Row
from cadence.application.search.ports import LinePosition
from cadence.domain.search.split import SplitLine

# Hits of one search often lie in few blocks, and the next page's in the same.
_REMEMBERED_BLOCKS = 16


class StoredLines:
    """`data` holds the blocks, one after the other. Every block but the last has the same number of rows."""

    def __init__(self, head: SplitHead, data: memoryview) -> None:
        self._head = head
        self._data = data
        self._starts = [0]
        for size, _, _ in head.blocks:
            self._starts.append(self._starts[-1] + size)
        self._firsts = [first for _, _, first in head.blocks]
        self.block = lru_cache(maxsize=_REMEMBERED_BLOCKS)(self._read)

    def line(self, row: int) -> SplitLine:
        block = self.block(row // ROWS_PER_BLOCK)
        return block.line(row - block.first_row, self._head.origins, self._head.levels, self._head.streams)

    def text(self, row: int) -> str:
        block = self.block(row // ROWS_PER_BLOCK)
        return block.text(row - block.first_row)

    def rows(self, numbers: Numbers) -> Iterator[Sequence[Row]]:
        """Returns all rows in order, a block at a time, numbered anew."""
        head = self._head
        return (
            self._read(index).as_rows(head.origins, head.levels, head.streams, numbers)
            for index in range(len(head.blocks))
        )

    def moment(self, row: int) -> int:
        block = self.block(row // ROWS_PER_BLOCK)
        return block.columns.moments[row - block.first_row]

    def rows_before_moment(self, moment: int) -> int:
        """Returns how many rows are older than `moment` (milliseconds since 1970)."""
        index = bisect_left(self._firsts, moment) - 1
        return 0 if index < 0 else index * ROWS_PER_BLOCK + bisect_left(self.block(index).columns.moments, moment)

    def rows_before(self, place: LinePosition) -> int:
        """Returns how many rows have a smaller place."""
        moment = Moments().of(place.time)
        low, high = self.rows_before_moment(moment), self.rows_before_moment(moment + 1)
        target = (place.run_id, place.segment, place.index)
        while low < high:
            middle = (low + high) // 2
            if self._position(middle) < target:
                low = middle + 1
            else:
                high = middle
        return low

    def place(self, row: int) -> LinePosition:
        return LinePosition(*self.line(row)[:4])

    def _position(self, row: int) -> tuple[str, int, int]:
        block = self.block(row // ROWS_PER_BLOCK)
        number, columns = row - block.first_row, block.columns
        return self._head.origins[columns.origins[number]][1], columns.segments[number], columns.indexes[number]

    def _read(self, index: int) -> Block:
        return Block(self._data[self._starts[index] : self._starts[index + 1]], index * ROWS_PER_BLOCK)
