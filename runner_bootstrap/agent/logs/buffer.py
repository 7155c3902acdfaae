"""Log lines: numbered once, masked at the source, kept until the gateway has accepted them."""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from typing import Any, Callable, Optional, Protocol

from ..shared.clock import timestamp
from .masking import LineMasker, Masker

LONGEST_TEXT = 65536
#: A line without an end is cut at this length (bytes), so that a command that prints no newline cannot fill the memory.
LOGGED_AT_ONCE = 1 << 20
BUFFER_BYTES = 32 << 20
BATCH_LINES = 1000
BATCH_BYTES = 256 << 10
#: Without followers of the log a line waits for others: a tenth of the treatment's age, within these bounds (seconds).
LEAST_PATIENCE, MOST_PATIENCE = 0.2, 10.0
# The size of a line without its text, in a request and in memory (bytes).
LINE_OVERHEAD = 120
LAST_LINES = 10

Line = dict[str, Any]


class LogBuffer:
    """Lines that wait for the gateway. A full buffer makes the command wait; no line is dropped."""

    def __init__(self, flush_seconds: float, follow: bool, masker: Masker) -> None:
        self._changed = threading.Condition()
        self._lines: deque[tuple[float, Line]] = deque()
        self._bytes = 0
        self._next = 1
        self.accepted = 0
        self._flushing = False
        self._flush_seconds = flush_seconds
        self._began = time.monotonic()
        self.follow = follow
        self.masker = masker

    def add(
        self,
        stream: str,
        level: str,
        text: str,
        continued: bool = False,
        wait: bool = True,
        step: Optional[int] = None,
    ) -> None:
        """Numbers and keeps one masked line of at most 64 KiB; waits for room if ``wait``.

        ``step`` is the number of the step that wrote it.
        """
        line: Line = {"time": timestamp(), "stream": stream, "level": level, "text": text}
        if continued:
            line["continued"] = True
        if step is not None:
            line["step"] = step
        with self._changed:
            while wait and self._bytes > BUFFER_BYTES and not self._flushing:
                self._changed.wait()
            line["seq"] = self._next
            self._next += 1
            self._lines.append((time.monotonic(), line))
            self._bytes += _weight(line)
            self._changed.notify_all()

    def say(self, text: str, level: str = "info") -> None:
        """Adds one line of the agent's own, masked; never waits."""
        for piece in _pieces(self.masker.mask(text)):
            self.add("agent", level, piece, wait=False)

    def warn_of_short_secrets(self) -> None:
        """Adds a warning if some secrets are too short to be masked in encoded forms."""
        if self.masker.too_short:
            self.say(
                f"{self.masker.too_short} secret(s) have less than 4 characters: they are masked only as they stand",
                "warning",
            )

    def set_follow(self, follow: bool) -> None:
        with self._changed:
            self.follow = follow
            self._changed.notify_all()

    def flush(self) -> None:
        """Sends all lines at once from now on, without waiting for others."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()

    def next_batch(self) -> list[Line] | None:
        """Waits until a batch is due and returns it; None once the buffer is flushed and empty.

        The lines stay in the buffer until ``accept``.
        """
        with self._changed:
            while True:
                if self._lines:
                    seconds = self._lines[0][0] + self._patience() - time.monotonic()
                    full = len(self._lines) >= BATCH_LINES or self._bytes >= BATCH_BYTES
                    if self._flushing or full or seconds <= 0:
                        return self._first()
                    self._changed.wait(seconds)
                elif self._flushing:
                    return None
                else:
                    self._changed.wait()

    def _patience(self) -> float:
        """Returns how long a line waits, in seconds.

        Requests cost the same whatever they hold, so long treatments send less often.
        """
        if self.follow:
            return self._flush_seconds
        return min(MOST_PATIENCE, max(LEAST_PATIENCE, (time.monotonic() - self._began) / 10))

    def accept(self, through: int) -> None:
        """Removes the lines up to number ``through``, which the gateway has accepted."""
        with self._changed:
            self.accepted = max(self.accepted, through)
            while self._lines and self._lines[0][1]["seq"] <= through:
                self._bytes -= _weight(self._lines.popleft()[1])
            self._changed.notify_all()

    def _first(self) -> list[Line]:
        batch: list[Line] = []
        size = 0
        for _, line in self._lines:
            size += _weight(line)
            if batch and (size > BATCH_BYTES or len(batch) == BATCH_LINES):
                break
            batch.append(line)
        return batch


class LogSender(threading.Thread):
    """Sends batches until the buffer is flushed. ``send`` retries by itself and raises only final errors."""

    def __init__(
        self, buffer: LogBuffer, send: Callable[[list[Line]], dict[str, Any]], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(name="log-sender", daemon=True)
        self._buffer, self._send, self._failed = buffer, send, failed

    def run(self) -> None:
        try:
            while True:
                batch = self._buffer.next_batch()
                if batch is None:
                    return
                answer = self._send(batch)
                self._buffer.accept(answer["accepted_through"])
                self._buffer.set_follow(bool(answer.get("follow")))
        except Exception as error:  # noqa: BLE001 - every error must end the assignment
            # No further line is accepted, and the command must not wait for room.
            self._buffer.flush()
            self._failed(error)


class Marks(Protocol):
    """Marks in the output that tell which step of the command runs."""

    mark: bytes
    """What a mark begins with; it takes the rest of its line."""

    def take(self, words: bytes, *, decides: bool) -> Optional[int]:
        """Takes a mark without its beginning, and returns the number of the step that runs now."""


class LineReader(threading.Thread):
    """Reads one of the command's output pipes to its end, line by line; ``marks`` are taken out."""

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
            while True:
                content = pipe.read(65536)
                if not content:
                    break
                *lines, pending = (pending + content).split(b"\n") if b"\n" in content else [pending + content]
                for line in lines:
                    self._take(line)
                if len(pending) > self._longest_held:
                    start, rest = self._masker.mask_start(pending.decode("utf-8", "surrogateescape"))
                    self._emit(_printable(start), unfinished=True)
                    pending = rest.encode("utf-8", "surrogateescape")
        if pending:
            self._emit_all(self._lines.feed(_decode(pending)))
        self._emit_all(self._lines.flush())

    def _take(self, line: bytes) -> None:
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

    def _emit_all(self, lines: list[str]) -> None:
        for line in lines:
            self._emit(line)

    def _emit(self, text: str, unfinished: bool = False) -> None:
        if text.strip():
            self.last_lines.append(text.strip()[:1000])
        pieces = _pieces(text)
        for number, piece in enumerate(pieces, 1):
            more = unfinished or number < len(pieces)
            self._buffer.add(self._stream, "info", piece, continued=more, step=self._step)


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _printable(text: str) -> str:
    """Converts text decoded with surrogateescape to what ``_decode`` would have returned."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _pieces(text: str) -> list[str]:
    """Returns ``text`` in pieces of at most 64 KiB of UTF-8."""
    if len(text) * 4 <= LONGEST_TEXT or len(text.encode("utf-8", "replace")) <= LONGEST_TEXT:
        return [text]
    # A quarter of the characters always fits, since UTF-8 takes at most four bytes for each.
    step = LONGEST_TEXT if text.isascii() else LONGEST_TEXT // 4
    return [text[start : start + step] for start in range(0, len(text), step)]


def _weight(line: Line) -> int:
    return len(line["text"]) + LINE_OVERHEAD
