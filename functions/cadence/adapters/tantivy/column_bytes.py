"""Columns of numbers as bytes that compress well: first the lowest bytes of all numbers, then the next ones."""

import json
from array import array
from collections.abc import Mapping
from typing import Any


def column_bytes(column: "array[int]") -> bytes:
    """Returns the numbers' bytes, by their significance."""
    data, size = column.tobytes(), column.itemsize
    return b"".join(data[significance::size] for significance in range(size))


def further_bytes(further: Mapping[int, Mapping[str, Any]]) -> bytes:
    """Returns what only some rows have, by their numbers; it goes behind the columns."""
    return json.dumps(further).encode() if further else b""


class ColumnReader:
    """Reads columns one after the other."""

    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data, self._at = data, start

    def column(self, kind: str, rows: int) -> "array[int]":
        """Returns the next column, of `rows` numbers of a kind of array."""
        column: array[int] = array(kind)
        size = column.itemsize
        data = bytearray(rows * size)
        for significance in range(size):
            data[significance::size] = self._data[self._at : self._at + rows]
            self._at += rows
        column.frombytes(data)
        return column

    def further(self) -> Mapping[str, Any]:
        """Returns what `further_bytes` wrote."""
        further: Mapping[str, Any] = json.loads(self._data[self._at :]) if self._at < len(self._data) else {}
        return further
