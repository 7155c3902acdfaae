"""Reads contents in pieces of any size, and cuts them in other ways."""

from collections.abc import Iterable, Iterator
from itertools import chain

PIECE = 1 << 16
# A line longer than this is compared in parts.
LONGEST_LINE = 1 << 20


def lines(content: Iterable[bytes]) -> Iterator[bytes]:
    """Returns the lines, each with its end."""
    rest = b""
    for piece in evenly(content):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        while len(rest) >= LONGEST_LINE:
            yield rest[:LONGEST_LINE]
            rest = rest[LONGEST_LINE:]
    if rest:
        yield rest


def evenly(content: Iterable[bytes], size: int = PIECE) -> Iterator[bytes]:
    """Returns pieces of the same size, except the last."""
    rest = b""
    for piece in content:
        start = size - len(rest) if rest else 0
        if rest:
            rest += piece[:start]
            if len(rest) < size:
                continue
            yield rest
        end = start + (len(piece) - start) // size * size
        for begin in range(start, end, size):
            yield piece[begin : begin + size]
        rest = piece[end:]
    if rest:
        yield rest


def peeked(content: Iterable[bytes], count: int) -> tuple[bytes, Iterator[bytes]]:
    """Returns the first `count` bytes, and an iterator over the whole content."""
    pieces = iter(content)
    taken: list[bytes] = []
    while sum(map(len, taken)) < count:
        piece = next(pieces, None)
        if piece is None:
            break
        taken.append(piece)
    return b"".join(taken)[:count], chain(taken, pieces)


def upto(content: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Returns the first `count` bytes, in pieces."""
    for piece in content:
        if len(piece) >= count:
            yield piece[:count]
            return
        count -= len(piece)
        yield piece


class ContentReader:
    """Reads a content once, as a file."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._pieces = evenly(content)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Returns the next `size` bytes, or fewer at the end."""
        while len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken
