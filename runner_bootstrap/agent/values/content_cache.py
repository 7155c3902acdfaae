"""Files of commits, kept on a machine: each of its treatments with ``source`` would download the same archive again.

The chunks lie among the workspaces, where no command sees them. Each is one file that begins with the digest of the
rest, and that comes into being under its final name. What is damaged or missing is downloaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from .chunks import ChunkBuffer

#: Bytes of all files together; at most a tenth of what the disk has free.
MOST_BYTES = 1 << 30
#: Seconds without use after which a file is removed as another one is kept.
LONGEST_UNUSED = 7 * 86_400
_DIGEST = hashlib.sha256().digest_size


class ContentCache:
    """Chunks of content that is named by its digest. Nothing fails for want of a file, or of a place for one."""

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES) -> None:
        self._directory, self._most_bytes = directory, most_bytes

    def take(self, sha256: str, url: str, chunk: ChunkBuffer) -> bool:
        """Reads the chunk at ``url`` of the content ``sha256``; returns false if it is not here unchanged."""
        path = self._path(sha256, url)
        if not is_own(self._directory):
            return False
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as file:
                digest = file.read(_DIGEST)
                size = os.fstat(file.fileno()).st_size - _DIGEST
                chunk.fill(file, size)
            if chunk.size == size and hashlib.sha256(chunk.content).digest() == digest:
                os.utime(path)  # it is the one that was used last
                return True
            path.unlink()
        except OSError:
            pass  # it is not here, or another runner has just removed it
        return False

    def keep(self, sha256: str, url: str, content: memoryview) -> None:
        """Keeps the chunk at ``url``; the least recently used are removed for it."""
        path = self._path(sha256, url)
        temporary = None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_own(self._directory) or not self._make_room(_DIGEST + len(content)):
                return
            descriptor, temporary = tempfile.mkstemp(dir=self._directory)
            with open(descriptor, "wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
            os.replace(temporary, path)
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)

    def forget(self, sha256: str) -> None:
        """Removes all chunks of the content ``sha256``, which was not what its digest says."""
        for path in self._directory.glob(f"{sha256}-*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _path(self, sha256: str, url: str) -> Path:
        address = urlsplit(url)
        place = hashlib.sha256(f"{address.netloc}{address.path}".encode()).hexdigest()
        return self._directory / f"{sha256}-{place}"

    def _make_room(self, size: int) -> bool:
        """Removes the least recently used files until ``size`` bytes more are allowed; returns false if they never are.

        Files that a killed runner has not finished count as well, and are removed as they grow old.
        """
        files = []
        for entry in os.scandir(self._directory):
            with contextlib.suppress(OSError):  # removed meanwhile
                about = entry.stat(follow_symlinks=False)
                files.append((about.st_mtime, entry.path, about.st_size))
        used = sum(each[2] for each in files)
        most = min(self._most_bytes, (shutil.disk_usage(self._directory).free + used) // 10)
        oldest = time.time() - LONGEST_UNUSED
        for used_at, path, bytes_here in sorted(files):
            if used + size <= most and used_at >= oldest:
                break
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            used -= bytes_here
        return used + size <= most


def is_own(directory: Path) -> bool:
    """Returns whether there is a directory, no link, that no other user can change."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
