"""Blocks of rows, in which similar texts lie side by side.

A block has columns of numbers in the order of its rows, and texts in the order of the texts: those of one kind of
message are neighbours then, and take much less space. Both are compressed in pieces, so that a single row takes no
more to read than its two pieces; `order` has the place of each row's text.

`header, sizes of the pieces, order, pieces of columns, pieces of texts`.
"""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise, repeat
from operator import sub
from typing import Any

import cramjam

from cadence.adapters.lines.line_times import written
from cadence.adapters.tantivy.column_bytes import ColumnReader, column_bytes, further_bytes
from cadence.adapters.tantivy.rows import Numbers, Origin, Row
from cadence.domain.search.split import SplitLine
from cadence.domain.search.tokens import plain

ROWS_PER_BLOCK = 4096
# Hits are mostly scattered over pieces: larger ones take less space, but longer to search.
_COLUMN_ROWS = 256
_TEXT_ROWS = 1024
_COLUMNS_LEVEL, _TEXTS_LEVEL = 3, 9  # of zstd
_HEADER = struct.Struct("<III")  # rows, bytes of the order, bytes of the sizes
_ENCODING = ("utf-8", "surrogatepass")
_JOINED, _COUNTED = b"\n", b"#"  # how the texts of a piece are told apart: by newlines, or by their lengths
# What is unpacked of a split and kept, since the hits of one search often lie together, and the next page's too.
_TEXTS_KEPT, _COLUMNS_KEPT, _BLOCKS_KEPT = 16, 64, 16


def packed_block(rows: Sequence[Row]) -> tuple[bytes, int, Sequence[int]]:
    """Returns rows (at least one) as a block, the size of their texts, and the rows in the order of their texts."""
    texts = [row[8] for row in rows]
    order = sorted(range(len(rows)), key=texts.__getitem__)
    places = array("H", bytes(2 * len(rows)))
    for place, row in enumerate(order):
        places[row] = place
    packed_order = _packed(column_bytes(places), _COLUMNS_LEVEL)
    columns = [
        _packed(_columns(rows[start : start + _COLUMN_ROWS]), _COLUMNS_LEVEL)
        for start in range(0, len(rows), _COLUMN_ROWS)
    ]
    pieces, size = [], 0
    for start in range(0, len(rows), _TEXT_ROWS):
        encoded = [texts[row].encode(*_ENCODING) for row in order[start : start + _TEXT_ROWS]]
        size += sum(map(len, encoded))
        pieces.append(_packed(_joined(encoded), _TEXTS_LEVEL))
    sizes = array("I", map(len, [*columns, *pieces])).tobytes()
    header = _HEADER.pack(len(rows), len(packed_order), len(sizes))
    return b"".join([header, sizes, packed_order, *columns, *pieces]), size, order


def _packed(data: bytes, level: int) -> bytes:
    return bytes(cramjam.zstd.compress(data, level))


def _joined(texts: Sequence[bytes]) -> bytes:
    together = b"\n".join(texts)
    if together.count(b"\n") == len(texts) - 1:
        return _JOINED + together
    lengths = array("I", map(len, texts)).tobytes()
    return _COUNTED + struct.pack("<I", len(texts)) + lengths + b"".join(texts)


def _apart(data: bytes) -> Sequence[bytes]:
    if data.startswith(_JOINED):
        return data[1:].split(b"\n")
    count = struct.unpack_from("<I", data, 1)[0]
    lengths = array("I")
    start = 5 + count * lengths.itemsize
    lengths.frombytes(data[5:start])
    bounds = list(accumulate(lengths, initial=start))
    return [data[begin:end] for begin, end in pairwise(bounds)]


def _columns(rows: Sequence[Row]) -> bytes:
    moments, _, segments, positions, origins, levels, streams, leads, _, more = zip(*rows, strict=True)
    sources: dict[tuple[int, int, int], int] = {}
    last: list[int] = []
    of_row, steps = array("H"), array("q")
    for source, position in zip(zip(origins, segments, leads, strict=True), positions, strict=True):
        number = sources.setdefault(source, len(sources))
        if number == len(last):
            last.append(0)
        of_row.append(number)
        steps.append(position - last[number])
        last[number] = position
    columns = (
        *(array("q", column) for column in zip(*sources, strict=True)),
        # Each less the one before: small numbers that repeat.
        array("q", [moments[0], *map(sub, moments[1:], moments)]),
        of_row,
        steps,
        array("H", levels),
        array("H", streams),
    )
    further = {number: fields for number, fields in enumerate(more) if fields}
    head = struct.pack("<HH", len(rows), len(sources))
    return b"".join([head, *map(column_bytes, columns), further_bytes(further)])


class _Columns:
    """Up to 256 rows, without their texts."""

    def __init__(self, data: bytes) -> None:
        rows, sources = struct.unpack_from("<HH", data)
        reader = ColumnReader(data, 4)
        self.origins, self.segments, self.leads = (reader.column("q", sources) for _ in range(3))
        self.moments = list(accumulate(reader.column("q", rows)))
        self.sources = reader.column("H", rows)
        self._steps = reader.column("q", rows)
        self.levels, self.streams = reader.column("H", rows), reader.column("H", rows)
        self.more: Mapping[str, Any] = reader.further()

    def index(self, number: int) -> int:
        """Returns the index of a row in its segment."""
        source = self.sources[number]
        steps = zip(self.sources[: number + 1], self._steps[: number + 1], strict=True)
        return sum(step for of_source, step in steps if of_source == source)

    def indexes(self) -> Sequence[int]:
        last = [0] * len(self.origins)
        indexes = []
        for source, step in zip(self.sources, self._steps, strict=True):
            last[source] += step
            indexes.append(last[source])
        return indexes


class Blocks:
    """The blocks of one split. `data` holds one after the other, each from where `starts` says."""

    def __init__(self, data: memoryview, starts: Sequence[int]) -> None:
        self._data, self._starts = data, starts
        self._pieces = lru_cache(_BLOCKS_KEPT)(self._find_pieces)
        self.block = lru_cache(_BLOCKS_KEPT)(self._open_block)
        self.columns = lru_cache(_COLUMNS_KEPT)(self._read_columns)
        self.texts = lru_cache(_TEXTS_KEPT)(self._read_texts)

    def _open_block(self, index: int) -> "Block":
        rows = _HEADER.unpack_from(self._data, self._starts[index])[0]
        return Block(self, index, rows, index * ROWS_PER_BLOCK)

    def _find_pieces(self, index: int) -> Sequence[int]:
        """Returns where the order and the pieces begin, and where the last one ends."""
        start = self._starts[index]
        _, order_size, sizes_size = _HEADER.unpack_from(self._data, start)
        sizes = array("I")
        sizes.frombytes(self._data[start + _HEADER.size : start + _HEADER.size + sizes_size])
        return list(accumulate([order_size, *sizes], initial=start + _HEADER.size + sizes_size))

    def _piece(self, index: int, piece: int) -> bytes:
        bounds = self._pieces(index)
        return bytes(cramjam.zstd.decompress(self._data[bounds[piece] : bounds[piece + 1]]))

    def order(self, index: int) -> "array[int]":
        """Returns the place of each row's text."""
        data = self._piece(index, 0)
        return ColumnReader(data).column("H", len(data) // 2)

    def _read_columns(self, index: int, piece: int) -> _Columns:
        return _Columns(self._piece(index, 1 + piece))

    def _read_texts(self, index: int, piece: int) -> Sequence[bytes]:
        rows = _HEADER.unpack_from(self._data, self._starts[index])[0]
        return _apart(self._piece(index, 1 + -(-rows // _COLUMN_ROWS) + piece))


class Block:
    """The rows of one block, from `first_row` on. `number` counts within the block, as everywhere here."""

    def __init__(self, blocks: Blocks, index: int, rows: int, first_row: int) -> None:
        self._blocks, self._index = blocks, index
        self.rows, self.first_row = rows, first_row
        self._order: array[int] | None = None

    # Not a cached property, in which one thread waits for another that unpacks another block.
    @property
    def _places(self) -> "array[int]":
        if self._order is None:
            self._order = self._blocks.order(self._index)
        return self._order

    def text(self, number: int) -> str:
        piece, place = divmod(self._places[number], _TEXT_ROWS)
        return self._blocks.texts(self._index, piece)[place].decode(*_ENCODING)

    def texts(self) -> Sequence[str]:
        """Returns all texts, in the order of the rows."""
        pieces = range(-(-self.rows // _TEXT_ROWS))
        texts = [text.decode(*_ENCODING) for piece in pieces for text in self._blocks.texts(self._index, piece)]
        return [texts[place] for place in self._places]

    def rows_that_may_match(self, may_be_in: Callable[[str], bool]) -> Sequence[int]:
        """Returns rows, in order, among which are all that have a match by themselves."""
        places: set[int] = set()
        for piece in range(-(-self.rows // _TEXT_ROWS)):
            texts = [plain(text.decode(*_ENCODING)) for text in self._blocks.texts(self._index, piece)]
            if may_be_in("\n".join(texts)):
                places.update(place for place, text in enumerate(texts, piece * _TEXT_ROWS) if may_be_in(text))
        if not places:
            return ()
        return [number for number, place in enumerate(self._places) if place in places]

    def moment(self, number: int) -> int:
        columns, within = self._columns_of(number)
        return columns.moments[within]

    def rows_before_moment(self, moment: int) -> int:
        """Returns how many rows are older than `moment`."""
        pieces = range(-(-self.rows // _COLUMN_ROWS))
        piece = max(bisect_left(pieces, moment, key=lambda one: self._columns(one).moments[0]) - 1, 0)
        return piece * _COLUMN_ROWS + bisect_left(self._columns(piece).moments, moment)

    def position(self, number: int) -> tuple[int, int, int]:
        """Returns the numbers of a row's origin and segment, and its index there."""
        columns, within = self._columns_of(number)
        source = columns.sources[within]
        return columns.origins[source], columns.segments[source], columns.index(within)

    def line(self, number: int, origins: Sequence[Origin], levels: Sequence[str], streams: Sequence[str]) -> SplitLine:
        columns, within = self._columns_of(number)
        source = columns.sources[within]
        pipeline, run_id, treatment, attempt, runner, pool = origins[columns.origins[source]]
        index, time = columns.index(within), written(columns.moments[within])
        line = {
            "seq": columns.leads[source] + index,
            "time": time,
            "runner": runner,
            "treatment": treatment,
            "attempt": attempt,
            "stream": streams[columns.streams[within]],
            "level": levels[columns.levels[within]],
            "text": self.text(number),
        }
        if pool is not None:
            line["pool"] = pool
        if columns.more:
            line |= columns.more.get(str(within), {})
        return SplitLine(time, run_id, columns.segments[source], index, pipeline, line)

    def as_rows(
        self, origins: Sequence[Origin], levels: Sequence[str], streams: Sequence[str], numbers: Numbers
    ) -> Sequence[Row]:
        """Returns all rows, numbered anew."""
        texts, rows = iter(self.texts()), []
        for piece in range(-(-self.rows // _COLUMN_ROWS)):
            columns = self._columns(piece)
            of_source = [origins[origin] for origin in columns.origins]
            renumbered = [numbers.origins[origin] for origin in of_source]
            more = columns.more
            rows += list(
                zip(
                    columns.moments,
                    [of_source[source][1] for source in columns.sources],
                    [columns.segments[source] for source in columns.sources],
                    columns.indexes(),
                    [renumbered[source] for source in columns.sources],
                    [numbers.levels[levels[level]] for level in columns.levels],
                    [numbers.streams[streams[stream]] for stream in columns.streams],
                    [columns.leads[source] for source in columns.sources],
                    # The columns are as long as these, which go on with the next piece.
                    [next(texts) for _ in columns.moments],
                    [more.get(str(number)) for number in range(len(columns.moments))]
                    if more
                    else repeat(None, len(columns.moments)),
                    strict=True,
                )
            )
        return rows

    def _columns(self, piece: int) -> _Columns:
        return self._blocks.columns(self._index, piece)

    def _columns_of(self, number: int) -> tuple[_Columns, int]:
        piece, within = divmod(number, _COLUMN_ROWS)
        return self._columns(piece), within
