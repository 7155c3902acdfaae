"""Reads the elements of a large JSON array, one by one."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from cadence.domain.shared.errors import InvalidRequest

BLOCK = 4 * 1024 * 1024
LARGEST = 192 * 1024 * 1024
"""Bytes that one element may have."""

# An engine writes without blanks. Outside of a text, an element that begins with its timestamp follows another only
# like this; within a text a backslash would precede a quotation mark.
_BETWEEN = b'},{"timestamp":"'


class ByteSource(Protocol):
    def read(self, amount: int, /) -> bytes: ...


def elements(source: ByteSource) -> Iterator[bytes]:
    """Returns each element's own JSON text.

    Raises InvalidRequest for what is no array of objects, or has too large ones.
    """
    waiting, begun = bytearray(), False
    while block := source.read(BLOCK):
        searched = max(0, len(waiting) - len(_BETWEEN))
        waiting += block
        if not begun:
            waiting, begun = _opened(waiting), True
            searched = 0
        start = 0
        while (end := waiting.find(_BETWEEN, max(start, searched))) >= 0:
            yield bytes(memoryview(waiting)[start : end + 1])
            start = end + 2
        if start:
            del waiting[:start]
        if len(waiting) > LARGEST:
            raise InvalidRequest(f"An element has more than {LARGEST} bytes.")
    yield from _last_elements(waiting, begun=begun)


def _opened(text: bytearray) -> bytearray:
    inside = text.lstrip()
    if inside[:1] != b"[":
        raise InvalidRequest("This is no JSON array.")
    return inside[1:]


def _last_elements(text: bytearray, *, begun: bool) -> Iterator[bytes]:
    """Returns the last element; or all of them, if the array was written in another way than an engine does."""
    closed = text.rstrip()
    if not begun or closed[-1:] != b"]":
        raise InvalidRequest("The JSON array does not end.")
    inside = bytes(closed[:-1]).strip()
    if not inside:
        return
    try:
        yield from map(bytes, msgspec.json.decode(b"[" + inside + b"]", type=list[msgspec.Raw]))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("This is no JSON array.") from error
