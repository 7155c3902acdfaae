"""Bounds what a pack becomes when it is unpacked: 149 KB of a pack can be 320 MB of objects.

The format is git's (Documentation/gitformat-pack): a head of 12 bytes, then for each object its kind and size, for a
delta what it is based on, and its content, compressed with zlib.
"""

import os
import zlib
from typing import BinaryIO

from cadence.domain.shared.errors import TooLarge, Transient

_HEAD, _TRAILER = 12, 20
_OFFSET_DELTA, _NAMED_DELTA = 6, 7
_PIECE = 1 << 16
_SIZE_BYTES = 10
"""More than a size takes, seven bits in each byte."""


def require_bounded(pack: BinaryIO, largest: int) -> None:
    """Reads a whole pack and returns to its end. Takes little memory.

    Raises TooLarge if its objects take more than `largest` bytes, Transient if it is no pack.
    """
    end = pack.seek(0, os.SEEK_END)
    if end == 0:
        return
    pack.seek(0)
    reader = _PackReader(pack, largest)
    head = reader.take(_HEAD)
    if head[:4] != b"PACK":
        raise Transient("The git host sent something else than a pack.")
    for _ in range(int.from_bytes(head[8:12], "big")):
        reader.skip_object()
    pack.seek(end)


class _PackReader:
    def __init__(self, pack: BinaryIO, largest: int) -> None:
        self._pack, self._largest, self._left = pack, largest, largest
        self._buffer = b""

    def skip_object(self) -> None:
        byte = self.take(1)[0]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 128:
            byte = self.take(1)[0]
            size |= (byte & 127) << shift
            shift += 7
        self._spend(size)
        if kind == _OFFSET_DELTA:
            while self.take(1)[0] & 128:
                pass
        elif kind == _NAMED_DELTA:
            self.take(20)
        start = self._inflate(size)
        if kind in (_OFFSET_DELTA, _NAMED_DELTA):
            self._spend(_size_of_result(start))

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self._pack.read(_PIECE)
            if not piece:
                raise Transient("The git host sent a pack that ends too soon.")
            self._buffer += piece
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _inflate(self, size: int) -> bytes:
        """Skips compressed content, which must have the size that its head states; returns its first bytes."""
        inflating, start, read = zlib.decompressobj(), b"", 0
        compressed = self._buffer
        try:
            while not inflating.eof:
                if not compressed:
                    compressed = self._pack.read(_PIECE)
                    if not compressed:
                        raise Transient("The git host sent a pack that ends too soon.")
                piece = inflating.decompress(compressed, _PIECE)
                compressed = inflating.unconsumed_tail
                start = start or piece[: 2 * _SIZE_BYTES]
                read += len(piece)
                if read > size:
                    raise Transient("The git host sent a pack whose objects are larger than they state.")
        except zlib.error:
            raise Transient("The git host sent a pack that is damaged.") from None
        self._buffer = inflating.unused_data
        return start

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLarge(f"What would have to be read of the repository takes more than {self._largest >> 20} MiB.")


def _size_of_result(delta: bytes) -> int:
    """Returns the size of what a delta becomes: the second of the two sizes that it begins with."""
    _, at = _varint(delta, 0)
    size, _ = _varint(delta, at)
    return size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while at < len(data):
        byte = data[at]
        number |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if not byte & 128:
            break
    return number, at
