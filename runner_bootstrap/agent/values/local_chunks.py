"""Chunks that runners of one machine hand each other as files, which saves the consumer their download.

The consumer of a live stream makes a directory that is named after it; the producer's agent leaves each chunk there
once it is in the store, and before that under another name, so that the consumer need not ask the store for it. The
store stays what counts: a chunk that is not there is downloaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..execution.workspace import PREFIX, LockedDirectory
from ..shared.termination import Termination
from .chunks import ChunkBuffer, ChunkStore
from .content_cache import ContentCache, is_own

#: Chunks of a stream that may lie there: as many as a producer may be ahead of its consumers.
MOST_LEFT = 16
#: Seconds between two questions to the store for a stream whose chunks come from this machine.
STORE_EVERY = 1.0
#: The directory, among the workspaces, of the files of commits.
CONTENTS = "commit-files"
#: Ends the name of a chunk that is not in the store yet.
_COMING = ".coming"


class LocalChunkStore(ChunkStore):
    """The store, and beside it what runners of this machine leave or keep. ``parent`` is the directory of workspaces.

    Nothing fails for want of a file: errors of the file system only mean that a chunk is not there.
    """

    def __init__(self, parent: Path, runner_id: str, termination: Termination) -> None:
        super().__init__(termination)
        self._parent, self._name = parent, f"chunks-{runner_id}"
        self._contents = ContentCache(parent / CONTENTS)
        self._own: LockedDirectory | None = None
        self._closed = False
        self._lock = threading.Lock()
        #: When the store was asked last, by stream; streams of which a chunk was left here.
        self._asked: dict[str, float] = {}
        self._local: set[str] = set()

    def put(self, url: str, headers: Mapping[str, str], content: memoryview) -> None:
        stream, name = _split(url)
        coming = [*self._write(stream, name, content)]
        try:
            super().put(url, headers, content)
        except BaseException:
            for path in coming:
                path.unlink(missing_ok=True)
            raise
        for path in coming:
            with contextlib.suppress(OSError):  # its consumer has ended
                path.rename(path.with_name(name))

    def get_live(self, url: str, chunk: ChunkBuffer) -> bool:
        stream, name = _split(url)
        directory = self._expect(stream)
        if directory is None:
            return self.get(url, chunk)
        with contextlib.suppress(OSError):
            _take(directory / name, chunk)
            self._local.add(stream)
            return True
        if (directory / f"{name}{_COMING}").exists():
            self._local.add(stream)
        instant = time.monotonic()
        if stream in self._local and instant - self._asked.get(stream, 0.0) < STORE_EVERY:
            return False
        self._asked[stream] = instant
        exists = self.get(url, chunk)
        if exists:
            with contextlib.suppress(OSError):
                (directory / name).unlink()  # left meanwhile
        return exists

    def get_content(self, url: str, sha256: str, chunk: ChunkBuffer) -> bool:
        if f"/{sha256}/" not in urlsplit(url).path:
            return self.get(url, chunk)  # it is not stored by its digest, as files of commits are
        if self._contents.take(sha256, url, chunk):
            return True
        exists = self.get(url, chunk)
        if exists:
            self._contents.keep(sha256, url, chunk.content)
        return exists

    def forget_content(self, sha256: str) -> None:
        self._contents.forget(sha256)

    def close(self) -> None:
        """Removes what was left for this runner."""
        with self._lock:
            self._closed = True
            if self._own is not None:
                self._own.remove()
                self._own = None

    def _expect(self, stream: str) -> Path | None:
        """Returns the directory of a stream that this runner reads; None if there can be none."""
        with self._lock:
            if self._closed:
                return None
            try:
                self._own = self._own or LockedDirectory(self._parent, self._name)
                directory = self._own.path / stream
                directory.mkdir(mode=0o700, exist_ok=True)
            except OSError:
                return None
            return directory

    def _write(self, stream: str, name: str, content: memoryview) -> Iterator[Path]:
        """Writes a chunk for each runner that expects its stream and has not too many already; yields the files."""
        first: Path | None = None
        for directory in self._parent.glob(f"{PREFIX}chunks-*/{stream}"):
            if not is_own(directory.parent):
                continue
            coming = directory / f"{name}{_COMING}"
            try:
                if len(os.listdir(directory)) >= MOST_LEFT:
                    continue
                if first is None:
                    coming.write_bytes(content)
                    first = coming
                else:
                    os.link(first, coming)
            except OSError:
                with contextlib.suppress(OSError):
                    coming.unlink()  # of a disk that is full, say
                continue
            yield coming


def _take(path: Path, chunk: ChunkBuffer) -> None:
    """Moves a file to ``chunk``. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        chunk.fill(file, os.fstat(file.fileno()).st_size)
    path.unlink()


def _split(url: str) -> tuple[str, str]:
    """Returns the name of a chunk's stream, and the chunk's within it."""
    stream, _, name = urlsplit(url).path.rpartition("/")
    return hashlib.sha256(stream.encode()).hexdigest(), name
