"""How much space a directory takes, without spending more than a little time on looking."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Looking may take at most this part of the time.
SHARE = 0.02
_BLOCK = 512


class DiskUse:
    """Remembers what it saw until looking again is worth its time."""

    def __init__(self) -> None:
        self.directory: Path | None = None
        self._known: int | None = None
        self._again_at = 0.0

    def bytes(self) -> int | None:
        """Space that the directory's files take, as last seen; None before there is a directory."""
        if self.directory is None:
            return None
        now = time.monotonic()
        if now >= self._again_at:
            self._known = _used(str(self.directory))
            self._again_at = now + (time.monotonic() - now) / SHARE
        return self._known


def _used(directory: str) -> int:
    """Files that vanish meanwhile, or cannot be seen, count nothing; several names of one file count once."""
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
