"""Reads what commands print, in lines without secrets."""

from __future__ import annotations

import io
import threading
from collections import deque
from typing import Optional, Protocol

from .buffer import BLOCK_LINES, LONGEST_TEXT, LogBuffer, pieces_of
from .masking import LineMasker
from .pipes import READ_BYTES, widened

#: A line without an end is cut at this length (bytes), so that a command that prints no newline cannot fill the memory.
LOGGED_AT_ONCE = 1 << 20
LAST_LINES = 10
_SPAN_LINES, _SPAN_BYTES = BLOCK_LINES // 2, READ_BYTES


class Marks(Protocol):
    """Marks in the output that tell which step of the command runs."""

    mark: bytes
    """What a mark begins with; it takes the rest of its line."""

    def take(self, words: bytes, *, decides: bool) -> Optional[int]:
        """Takes a mark without its beginning, and returns the number of the step that runs now."""


class LineReader(threading.Thread):
    """Reads one of the command's output pipes to its end; ``marks`` are taken out.

    What one read gives is masked and kept as a whole where each of its lines can be masked by itself.
    """

    def __init__(self, pipe: int, stream: str, buffer: LogBuffer, marks: Optional[Marks] = None) -> None:
        super().__init__(name=stream, daemon=True)
        self._pipe, self._stream, self._buffer = pipe, stream, buffer
        self._marks = marks
        self._step: Optional[int] = None
        self._masker = buffer.masker
        self._lines = LineMasker(buffer.masker)
        #: The last non-empty lines, masked.
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._longest_held = max(LOGGED_AT_ONCE, 4 * buffer.masker.reach)

    def run(self) -> None:
        pending = b""
        with io.FileIO(self._pipe) as pipe:
            widened(pipe)
            while True:
                content = pipe.read(READ_BYTES)
                if not content:
                    break
                lines, end, rest = content.rpartition(b"\n")
                if not end:
                    pending += content
                else:
                    self._take(pending + lines)
                    pending = rest
                if len(pending) > self._longest_held:
                    start, held = self._masker.mask_start(pending.decode("utf-8", "surrogateescape"))
                    self._emit(_printable(start), unfinished=True)
                    pending = held.encode("utf-8", "surrogateescape")
        if pending:
            self._take_line(pending)
        self._emit_all(self._lines.flush())

    def _take(self, content: bytes) -> None:
        """Takes whole lines, joined by newlines."""
        marked = self._marks is not None and self._marks.mark in content
        if marked or self._masker.several_lines:
            for line in content.split(b"\n"):
                self._take_line(line)
            return
        self._emit_all(self._lines.flush())
        self._emit_together(self._masker.mask_lines(_decoded_lines(content)))

    def _take_line(self, line: bytes) -> None:
        if self._marks is None or self._marks.mark not in line:
            self._emit_all(self._lines.feed(_decode(line)))
            return
        before, _, words = line.partition(self._marks.mark)
        if before:
            self._emit_all(self._lines.feed(_decode(before)))
        self._emit_all(self._lines.flush())
        self._step = self._marks.take(words, decides=self._stream == "stderr")

    @property
    def last_line(self) -> str:
        return self.last_lines[-1] if self.last_lines else ""

    def _emit_together(self, lines: list[str]) -> None:
        """Adds masked lines as one span, or in halves where they are too many; a very long line goes by itself."""
        text = "\n".join(lines)
        # A character takes at most four bytes.
        size = len(text) if text.isascii() else 4 * len(text)
        if len(lines) <= _SPAN_LINES and size <= _SPAN_BYTES and 4 * max(map(len, lines)) <= LONGEST_TEXT:
            self._remember(lines)
            self._buffer.add(self._stream, "info", text, lines=len(lines), step=self._step)
        elif len(lines) == 1:
            self._emit(lines[0])
        else:
            self._emit_together(lines[: len(lines) // 2])
            self._emit_together(lines[len(lines) // 2 :])

    def _remember(self, lines: list[str]) -> None:
        last: list[str] = []
        for line in reversed(lines):
            if words := line.strip():
                last.append(words[:1000])
                if len(last) == LAST_LINES:
                    break
        self.last_lines.extend(reversed(last))

    def _emit_all(self, lines: list[str]) -> None:
        for line in lines:
            self._emit(line)

    def _emit(self, text: str, unfinished: bool = False) -> None:
        self._remember([text])
        pieces = pieces_of(text)
        for number, piece in enumerate(pieces, 1):
            more = unfinished or number < len(pieces)
            self._buffer.add(self._stream, "info", piece, continued=more, step=self._step)


def _decoded_lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "replace").split("\n")
    return [line.rstrip("\r") for line in lines] if b"\r" in content else lines


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _printable(text: str) -> str:
    """Converts text decoded with surrogateescape to what ``_decode`` would have returned."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
