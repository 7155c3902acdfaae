"""The part of CBOR (RFC 8949) that Mélodium engines use: null, booleans, numbers, bytes, text, lists and maps."""

from __future__ import annotations

import struct
from typing import Any

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_BIG_UNSIGNED, _BIG_NEGATIVE = 2, 3
#: Tags with which few bytes become millions of values.
_SHARING = frozenset({25, 28, 29, 256})
_BREAK = 0xFF
_DEEPEST = 200


class CborError(ValueError):
    """The data is no CBOR, or uses a feature outside of this part."""


def encode(value: Any) -> bytes:
    """Encodes a value; integers of any size, floats as doubles. Raises CborError for other types."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


def head(major: int, number: int) -> bytes:
    """Encodes the beginning of an item: its major type and its number or length."""
    kind = major << 5
    if number < 24:
        return bytes((kind | number,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes((kind | info,)) + number.to_bytes(size, "big")
    raise CborError(f"{number} is too large for a length")


def _encode(value: Any, out: bytearray) -> None:
    if value is None or isinstance(value, bool):
        out += b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    elif isinstance(value, int):
        out += _whole(value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, (bytes, bytearray)):
        out += head(_BYTES, len(value))
        out += value
    elif isinstance(value, str):
        text = value.encode("utf-8")
        out += head(_TEXT, len(text))
        out += text
    elif isinstance(value, (list, tuple)):
        out += head(_LIST, len(value))
        for item in value:
            _encode(item, out)
    elif isinstance(value, dict):
        out += head(_MAP, len(value))
        for key, item in value.items():
            _encode(key, out)
            _encode(item, out)
    else:
        raise CborError(f"a {type(value).__name__} cannot be sent")


def _whole(value: int) -> bytes:
    major, number = (_UNSIGNED, value) if value >= 0 else (_NEGATIVE, -1 - value)
    if number < 1 << 64:
        return head(major, number)
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    tag = _BIG_UNSIGNED if value >= 0 else _BIG_NEGATIVE
    return head(_TAG, tag) + head(_BYTES, len(content)) + content


def decode(data: bytes) -> Any:
    """Decodes the one value that ``data`` holds. Raises CborError."""
    reader = CborReader(data)
    value = reader.value()
    if reader.at != len(data):
        raise CborError(f"{len(data) - reader.at} bytes are left over")
    return value


class CborReader:
    """Reads one item after another; ``at`` is the position of the next one."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def first_text(self) -> str | None:
        """Returns a text, or the first key of a map, without what follows; None for anything else."""
        if self._data[self.at : self.at + 1] == b"\xa1":
            self.at += 1
        text = self.value() if self._data[self.at : self.at + 1] and self._data[self.at] >> 5 == _TEXT else None
        return text if isinstance(text, str) else None

    def at_list(self) -> bool:
        """Returns whether the next item is a list."""
        return self._data[self.at : self.at + 1] != b"" and self._data[self.at] >> 5 == _LIST

    def length_of_list(self) -> int | None:
        """Returns the number of items if a list of definite length begins here, else None."""
        first = self._take(1)[0]
        return self._number(first & 31) if first >> 5 == _LIST and first & 31 != 31 else None

    def value(self, depth: int = 0) -> Any:
        """Reads one item. Raises CborError."""
        if depth > _DEEPEST:
            raise CborError("it is nested too deeply")
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == _SIMPLE:
            return self._simple(info)
        if info == 31:
            return self._open_ended(major, depth)
        number = self._number(info)
        if major == _UNSIGNED:
            return number
        if major == _NEGATIVE:
            return -1 - number
        if major == _BYTES:
            return self._take(number)
        if major == _TEXT:
            return self._text(self._take(number))
        if major == _LIST:
            return [self.value(depth + 1) for _ in range(self._possible(number))]
        if major == _MAP:
            return {self._key(depth): self.value(depth + 1) for _ in range(self._possible(number))}
        return self._tagged(number, depth)

    def _take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._data):
            raise CborError("it ends too soon")
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def _number(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise CborError(f"the length {info} means nothing")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _possible(self, count: int) -> int:
        """Refuses a count that exceeds the remaining bytes: each item takes at least one."""
        if count > len(self._data) - self.at:
            raise CborError("it ends too soon")
        return count

    def _key(self, depth: int) -> Any:
        key = self.value(depth + 1)
        if isinstance(key, (list, dict)):
            raise CborError("a list or map is the key of a map")
        return key

    def _text(self, content: bytes) -> str:
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CborError("a text is not UTF-8") from error

    def _tagged(self, tag: int, depth: int) -> Any:
        if tag in _SHARING:
            raise CborError("values that stand for other ones cannot be read")
        value = self.value(depth + 1)
        if tag in (_BIG_UNSIGNED, _BIG_NEGATIVE) and isinstance(value, bytes):
            number = int.from_bytes(value, "big")
            return number if tag == _BIG_UNSIGNED else -1 - number
        return value

    def _simple(self, info: int) -> Any:
        constants = {20: False, 21: True, 22: None, 23: None}
        if info in constants:
            return constants[info]
        formats = {25: ">e", 26: ">f", 27: ">d"}
        if info in formats:
            return struct.unpack(formats[info], self._take(1 << (info - 24)))[0]
        raise CborError(f"the simple value {info} means nothing here")

    def _open_ended(self, major: int, depth: int) -> Any:
        parts = []
        while not self._ended():
            parts.append(self.value(depth + 1))
        if major == _LIST:
            return parts
        if major == _MAP and len(parts) % 2 == 0:
            return dict(zip(parts[::2], parts[1::2]))
        if major == _BYTES:
            return b"".join(parts)
        if major == _TEXT:
            return "".join(parts)
        raise CborError("what has an open end cannot be read")

    def _ended(self) -> bool:
        if self.at >= len(self._data):
            raise CborError("it ends too soon")
        if self._data[self.at] != _BREAK:
            return False
        self.at += 1
        return True
