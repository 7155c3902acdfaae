"""Masks secrets in what a shell prints, which comes in pieces and without lines."""

from __future__ import annotations

import time
from typing import Optional

from ..logs.masking import Masker

#: Seconds for which output waits for more, since a secret may come in several pieces.
WAIT_SECONDS = 0.03
#: Bytes after which a start is given out although more is coming.
LONGEST_WAITING = 1 << 16


class TerminalMasker:
    """Holds output back until nothing came for ``WAIT_SECONDS``.

    What is typed slowly, and therefore printed slowly, is not recognised.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._waiting = ""
        self._last = 0.0

    def feed(self, content: bytes) -> bytes:
        """Takes output, and returns what can be shown already."""
        self._waiting += content.decode("utf-8", "surrogateescape")
        self._last = time.monotonic()
        if len(self._waiting) < LONGEST_WAITING:
            return b""
        start, self._waiting = self._masker.mask_start(self._waiting)
        return start.encode("utf-8", "surrogateescape")

    @property
    def due_in(self) -> Optional[float]:
        """Seconds until what waits is to be flushed; None if nothing waits."""
        return max(0.0, self._last + WAIT_SECONDS - time.monotonic()) if self._waiting else None

    def flush(self) -> bytes:
        """Returns what waits."""
        waiting, self._waiting = self._waiting, ""
        return self._masker.mask_bytes(waiting.encode("utf-8", "surrogateescape"))
