"""Log lines: numbered once, masked at the source, kept until the gateway has accepted them.

Lines that come together stay together: a *span* is what one read of a pipe gave, with one time, one text and one entry
in a request. So the costs of a line are those of its bytes.
"""

from __future__ import annotations

import threading
import time
import zlib
from typing import Any, Callable, Optional

from ..shared.clock import timestamp
from .masking import Masker
from .pipes import READ_BYTES
from .spill import Block, BlockQueue

LONGEST_TEXT = 65536
#: What one request holds at most, as the protocol has it; a block is closed at `FULL_BYTES`.
BLOCK_LINES, BLOCK_SPANS, BLOCK_BYTES = 20_000, 1000, 768 << 10
FULL_BYTES = BLOCK_BYTES - READ_BYTES
# The fastest level: texts of logs are a seventh of their size by it.
_COMPRESSION = 1
#: Without followers of the log a line waits for others: a tenth of the treatment's age, within these bounds (seconds).
LEAST_PATIENCE, MOST_PATIENCE = 0.2, 10.0


class _Open:
    """The spans that the next block will have."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.began = time.monotonic()
        self.lines = self.size = 0
        self.spans: list[dict[str, Any]] = []
        self.texts: list[bytes] = []

    def takes(self, lines: int, size: int) -> bool:
        """Returns whether a span of so many lines and bytes has room here."""
        return self.lines + lines <= BLOCK_LINES and self.size + size <= BLOCK_BYTES and len(self.spans) < BLOCK_SPANS

    def add(self, span: dict[str, Any], text: bytes) -> None:
        self.spans.append(span)
        self.texts.append(text)
        self.lines += span["lines"]
        self.size += len(text)

    def block(self) -> Block:
        packed = zlib.compress(b"".join(self.texts), _COMPRESSION)
        return Block(self.first, self.first + self.lines - 1, self.spans, packed)


class LogBuffer:
    """Lines that wait for the gateway: in memory, then on the disk, within a bound; no line is dropped.

    At the bound the command waits, and a line of the agent's own says so.
    """

    def __init__(self, flush_seconds: float, follow: bool, masker: Masker, queue: BlockQueue | None = None) -> None:
        self._changed = threading.Condition()
        self._queue = BlockQueue(None) if queue is None else queue
        self._open: _Open | None = None
        self._next = 1
        self._said_full = False
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
        *,
        lines: int = 1,
        continued: bool = False,
        wait: bool = True,
        step: Optional[int] = None,
    ) -> None:
        """Numbers and keeps masked lines of at most 64 KiB each, joined by newlines; waits for room if ``wait``.

        A single line may hold newlines. ``step`` is the number of the step that wrote them. All together they have at
        most ``READ_BYTES`` bytes and half of ``BLOCK_LINES`` lines.
        """
        content = text.encode("utf-8", "replace")
        span: dict[str, Any] = {"lines": lines, "time": timestamp(), "stream": stream, "level": level}
        span["bytes"] = len(content)
        if continued:
            span["continued"] = True
        if step is not None:
            span["step"] = step
        with self._changed:
            if wait:
                self._wait_for_room()
            self._append(span, content)
            self._changed.notify_all()

    def _append(self, span: dict[str, Any], content: bytes) -> None:
        if self._open is not None and not self._open.takes(span["lines"], len(content)):
            self._close()
        if self._open is None:
            self._open = _Open(self._next)
        self._open.add(span, content)
        self._next += span["lines"]
        if self._open.size >= FULL_BYTES:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._queue.put(self._open.block())
            self._open = None

    def _wait_for_room(self) -> None:
        full = self._queue.full
        if full and not self._said_full:
            self._said_full = True
            text = (
                f"The command prints faster than the log is taken: {full}, which is all that this runner keeps of it. "
                "The command waits until lines are sent. No line is lost. Print less, or write to a file."
            ).encode()
            self._append(
                {"lines": 1, "time": timestamp(), "stream": "agent", "level": "warning", "bytes": len(text)}, text
            )
        while self._queue.full and not self._flushing:
            self._changed.wait()

    def say(self, text: str, level: str = "info") -> None:
        """Adds one line of the agent's own, masked; never waits."""
        for piece in pieces_of(self.masker.mask(text)):
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

    def next_block(self) -> Block | None:
        """Waits until a block is due and returns it; None once the buffer is flushed and empty.

        The lines stay in the buffer until ``accept``.
        """
        with self._changed:
            while True:
                if self._queue:
                    return self._queue.first()
                if self._open is not None:
                    seconds = self._open.began + self._patience() - time.monotonic()
                    if self._flushing or seconds <= 0:
                        self._close()
                    else:
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
            self._queue.accept(through)
            self._changed.notify_all()


class LogSender(threading.Thread):
    """Sends blocks until the buffer is flushed. ``send`` retries by itself and raises only final errors."""

    def __init__(
        self, buffer: LogBuffer, send: Callable[[Block], dict[str, Any]], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(name="log-sender", daemon=True)
        self._buffer, self._send, self._failed = buffer, send, failed

    def run(self) -> None:
        try:
            while True:
                block = self._buffer.next_block()
                if block is None:
                    return
                answer = self._send(block)
                self._buffer.accept(answer["accepted_through"])
                self._buffer.set_follow(bool(answer.get("follow")))
        except Exception as error:  # noqa: BLE001 - every error must end the assignment
            # No further line is accepted, and the command must not wait for room.
            self._buffer.flush()
            self._failed(error)


def pieces_of(text: str) -> list[str]:
    """Returns ``text`` in pieces of at most 64 KiB of UTF-8."""
    if len(text) * 4 <= LONGEST_TEXT or len(text.encode("utf-8", "replace")) <= LONGEST_TEXT:
        return [text]
    # A quarter of the characters always fits, since UTF-8 takes at most four bytes for each.
    step = LONGEST_TEXT if text.isascii() else LONGEST_TEXT // 4
    return [text[start : start + step] for start in range(0, len(text), step)]
