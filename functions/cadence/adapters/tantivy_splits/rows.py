"""Blocks of lines: columns of numbers, then the texts, compressed together."""

import json
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from operator import sub
from typing import Any

import cramjam

from cadence.domain.errors import InvalidRequest
from cadence.domain.search.query import FieldName
from cadence.domain.search.split import SplitLine

# Hits are mostly scattered over blocks: larger ones take less room, and longer to search.
ROWS_PER_BLOCK = 256
_LEVEL = 3  # of zstd: higher ones take much longer for little
_HEADER = struct.Struct("<II")
# What of a line has a column; whatever else a line holds is kept beside the columns, as JSON.
_ORIGIN_KEYS = ("treatment", "attempt", "runner", "pool")
_COLUMN_KEYS = frozenset({"seq", "time", "stream", "level", "text", *_ORIGIN_KEYS})
_ENCODING = ("utf-8", "surrogatepass")

Origin = tuple[Any, ...]
"""(pipeline, run id, treatment, attempt, runner, pool): what lines that came from one place have in common."""

# Place in it of each field that it has.
IN_ORIGIN = {
    FieldName.PIPELINE: 0,
    FieldName.RUN: 1,
    FieldName.TREATMENT: 2,
    FieldName.RUNNER: 4,
    FieldName.POOL: 5,
}


class Numbered:
    """Values and their numbers, in the order in which they were first met."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number


class Moments:
    """Milliseconds since 1970 of times as lines write them."""

    def __init__(self) -> None:
        self._second, self._at = "", 0

    def of(self, time: str) -> int:
        """Raises InvalidRequest for a time that does not order as its text does."""
        if time[:19] != self._second:
            self._at = self._read(time[:19])
            self._second = time[:19]
        fraction = time[20:23]
        if len(time) != 24 or time[19] != "." or time[23] != "Z" or not (fraction.isascii() and fraction.isdigit()):
            raise InvalidRequest(f"{time!r} is no time in UTC with milliseconds.")
        return self._at + int(fraction)

    @staticmethod
    def _read(second: str) -> int:
        try:
            at = int(datetime.fromisoformat(second).replace(tzinfo=UTC).timestamp())
        except ValueError:
            at = 0
        if _written_second(at) != second:
            raise InvalidRequest(f"{second!r} is no time in UTC.")
        return at * 1000


def written(moment: int) -> str:
    """The time of `moment` (milliseconds since 1970) as lines write it."""
    second, millisecond = divmod(moment, 1000)
    return f"{_written_second(second)}.{millisecond:03}Z"


@lru_cache(maxsize=4096)
def _written_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def packed_block(rows: Sequence[SplitLine], moments: Sequence[int], numbers: Sequence[tuple[int, int, int]]) -> bytes:
    """Rows with their moments, and the numbers of their origins, levels and streams. Raises what no line of a log would."""
    lines: Sequence[Mapping[str, Any]] = [row.line for row in rows]
    texts = [line["text"].encode(*_ENCODING) for line in lines]
    columns = (
        # Each less the one before, and the sequence number less the position: small numbers that repeat.
        array("q", [moments[0], *map(sub, moments[1:], moments)]),
        array("I", [origin for origin, _, _ in numbers]),
        array("q", [row.segment for row in rows]),
        array("I", [row.position for row in rows]),
        array("q", [line["seq"] - row.position for row, line in zip(rows, lines, strict=True)]),
        array("H", [level for _, level, _ in numbers]),
        array("H", [stream for _, _, stream in numbers]),
        array("I", map(len, texts)),
    )
    more = {
        number: _more(line) for number, line in enumerate(lines) if len(line) > len(_COLUMN_KEYS) - ("pool" not in line)
    }
    described = json.dumps(more).encode() if more else b""
    parts = [_HEADER.pack(len(rows), len(described)), *(column.tobytes() for column in columns), described, *texts]
    return bytes(cramjam.zstd.compress(b"".join(parts), _LEVEL))


class Block:
    """The rows of one block, from `first_row` on."""

    def __init__(self, packed: bytes | memoryview, first_row: int) -> None:
        data = memoryview(bytes(cramjam.zstd.decompress(packed)))
        self.first_row = first_row
        self.rows, more = _HEADER.unpack_from(data)
        at = _HEADER.size
        columns = []
        for kind in "qIqIqHHI":
            column = array(kind)
            size = self.rows * column.itemsize
            column.frombytes(data[at : at + size])
            columns.append(column)
            at += size
        gaps, self.origins, self.segments, self.indexes, self._leads, self.levels, self.streams, lengths = columns
        self.moments = list(accumulate(gaps))
        self._more: Mapping[str, Any] = json.loads(bytes(data[at : at + more])) if more else {}
        self._texts = data[at + more :]
        self._ends = list(accumulate(lengths))

    def text(self, number: int) -> str:
        """`number` counts within the block, as everywhere here."""
        start = self._ends[number - 1] if number else 0
        return str(self._texts[start : self._ends[number]], *_ENCODING)

    def all_text(self) -> bytes:
        """The texts one after the other, with nothing between them."""
        return bytes(self._texts)

    def texts(self) -> Iterator[str]:
        return (self.text(number) for number in range(self.rows))

    def line(self, number: int, origin: Origin, levels: Sequence[str], streams: Sequence[str]) -> SplitLine:
        pipeline, run_id, treatment, attempt, runner, pool = origin
        index, time = self.indexes[number], written(self.moments[number])
        line = {
            "seq": self._leads[number] + index,
            "time": time,
            "runner": runner,
            "treatment": treatment,
            "attempt": attempt,
            "stream": streams[self.streams[number]],
            "level": levels[self.levels[number]],
            "text": self.text(number),
        }
        if pool is not None:
            line["pool"] = pool
        if self._more:
            line |= self._more.get(str(number), {})
        return SplitLine(time, run_id, self.segments[number], index, pipeline, line)


def _more(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in line.items() if key not in _COLUMN_KEYS}


def origin_of(row: SplitLine) -> Origin:
    line: Mapping[str, Any] = row.line
    return (row.pipeline, row.run_id, line["treatment"], line["attempt"], line["runner"], line.get("pool"))
