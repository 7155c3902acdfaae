"""The disk space of a directory, measured within a small share of the time."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Measuring may take at most this share of the time.
SHARE = 0.02
_BLOCK = 512


class DiskUse:
    """Measures a directory again only when that stays within its share of the time."""

    def __init__(self) -> None:
        self.directory: Path | None = None
        self._known: int | None = None
        self._again_at = 0.0

    def bytes(self) -> int | None:
        """Returns the bytes that the directory's files take, as last measured; None while ``directory`` is not set."""
        if self.directory is None:
            return None
        now = time.monotonic()
        if now >= self._again_at:
            self._known = _used(str(self.directory))
            self._again_at = now + (time.monotonic() - now) / SHARE
        return self._known


def _used(directory: str) -> int:
    """Sums the blocks of all files; vanished and unreadable files count 0, hard links of one file count once."""
    total, waiting = 0, [directory]
    seen: set[int] = set()
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                    except OSError:
                        continue
                    if status.st_nlink == 1 or status.st_ino not in seen:
                        total += status.st_blocks * _BLOCK
                        seen.add(status.st_ino)
        except OSError:
            continue
    return total
