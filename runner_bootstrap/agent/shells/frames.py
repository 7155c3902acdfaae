"""Messages between a user's terminal and the shell on a runner: a kind, a length and the content."""

from __future__ import annotations

import json
import re
import struct
from typing import NamedTuple, Optional

#: Of a terminal: it opens with its size and type, sends what is typed, its new size, and its end of input.
OPEN, INPUT, RESIZE, END = 1, 2, 3, 4
#: Of a shell: it has started, prints, and ends with an exit code or because of an error.
READY, OUTPUT, EXIT, FAILED = 5, 6, 7, 8
#: Of both, from time to time: the sender is still there.
ALIVE = 9
#: Seconds between signs of life, and of silence after which the other end counts as gone.
ALIVE_EVERY, SILENCE_SECONDS = 15.0, 90.0
LONGEST_CONTENT = 1 << 18

_HEAD = struct.Struct("!BI")
_NAME = re.compile("[A-Za-z0-9.+_-]+")


class Frame(NamedTuple):
    kind: int
    content: bytes


class TerminalSize(NamedTuple):
    rows: int
    columns: int

    def encode(self, terminal: str = "") -> bytes:
        """Returns the content of ``OPEN`` and ``RESIZE``."""
        return json.dumps({"rows": self.rows, "columns": self.columns, "terminal": terminal}).encode()


def encode(kind: int, content: bytes = b"") -> bytes:
    return _HEAD.pack(kind, len(content)) + content


def decode_size(content: bytes) -> tuple[TerminalSize, str]:
    """Returns the size and the type of a terminal. Raises ValueError."""
    try:
        fields = json.loads(content)
        rows, columns = (max(1, min(int(fields[name]), 9999)) for name in ("rows", "columns"))
        return TerminalSize(rows, columns), "".join(_NAME.findall(fields["terminal"]))[:64]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("a terminal's size has the fields rows, columns and terminal") from error


class FrameReader:
    """Cuts a sequence of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, content: bytes) -> list[Frame]:
        """Returns the frames that are complete. Raises ValueError for one that is too long."""
        self._buffer += content
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Optional[Frame]:
        if len(self._buffer) < _HEAD.size:
            return None
        kind, length = _HEAD.unpack_from(self._buffer)
        if length > LONGEST_CONTENT:
            raise ValueError(f"a message of {length} bytes is too long")
        end = _HEAD.size + length
        if len(self._buffer) < end:
            return None
        frame = Frame(kind, bytes(self._buffer[_HEAD.size : end]))
        del self._buffer[:end]
        return frame
