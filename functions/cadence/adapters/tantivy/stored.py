"""The lines of a split, by row."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from cadence.adapters.lines.line_times import Moments
from cadence.adapters.tantivy import small_blocks
from cadence.adapters.tantivy.blocks import ROWS_PER_BLOCK, Block, Blocks
from cadence.adapters.tantivy.layout import SplitHead
from cadence.adapters.tantivy.rows import Numbers, Row
from cadence.adapters.tantivy.small_blocks import SmallBlock
from cadence.application.search.ports import LinePosition
from cadence.domain.search.split import SplitLine

# Hits of one search often lie in few blocks, and the next page's in the same.
_REMEMBERED_SMALL_BLOCKS = 16


class StoredLines:
    """`data` holds the blocks, one after the other. Every block but the last has the same number of rows."""

    def __init__(self, head: SplitHead, data: memoryview) -> None:
        self._head = head
        self._data = data
        self._starts = [0]
        for size, _, _ in head.blocks:
            self._starts.append(self._starts[-1] + size)
        self._firsts = [first for _, _, first in head.blocks]
        #: All blocks but the last have so many rows.
        self.rows_per_block = small_blocks.ROWS_PER_BLOCK if head.is_older else ROWS_PER_BLOCK
        self.block: Callable[[int], Block | SmallBlock] = (
            lru_cache(_REMEMBERED_SMALL_BLOCKS)(self._small) if head.is_older else Blocks(data, self._starts).block
        )

    def line(self, row: int) -> SplitLine:
        block = self._block_of(row)
        return block.line(row - block.first_row, self._head.origins, self._head.levels, self._head.streams)

    def text(self, row: int) -> str:
        block = self._block_of(row)
        return block.text(row - block.first_row)

    def rows(self, numbers: Numbers) -> Iterator[Sequence[Row]]:
        """Returns all rows in order, a block at a time, numbered anew."""
        head = self._head
        return (
            self.block(index).as_rows(head.origins, head.levels, head.streams, numbers)
            for index in range(len(head.blocks))
        )

    def moment(self, row: int) -> int:
        block = self._block_of(row)
        return block.moment(row - block.first_row)

    def rows_before_moment(self, moment: int) -> int:
        """Returns how many rows are older than `moment` (milliseconds since 1970)."""
        index = bisect_left(self._firsts, moment) - 1
        return 0 if index < 0 else index * self.rows_per_block + self.block(index).rows_before_moment(moment)

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
        block = self._block_of(row)
        origin, segment, index = block.position(row - block.first_row)
        return self._head.origins[origin][1], segment, index

    def _block_of(self, row: int) -> Block | SmallBlock:
        return self.block(row // self.rows_per_block)

    def _small(self, index: int) -> SmallBlock:
        return SmallBlock(self._data[self._starts[index] : self._starts[index + 1]], index * self.rows_per_block)
