"""Chunks between memory and the store, by presigned URL."""

from __future__ import annotations

import hashlib
import http.client
import io
import threading
from collections.abc import Mapping

from ..gateway.connections import TRANSPORT_ERRORS, HttpConnections
from ..gateway.retry import describe, full_jitter, retry_after
from ..shared.errors import AgentError
from ..shared.termination import Termination

CHUNK_BYTES = 8 << 20
#: Initial bytes of a buffer and its factor of growth: an assignment may have hundreds of small inputs and outputs.
FIRST_BYTES, GROWTH = 64 << 10, 16
EMPTY_SHA256 = hashlib.sha256().hexdigest()
STORE_TIMEOUT = 60.0
#: Attempts at one transfer before the assignment fails (with full jitter, a minute or more in all).
ATTEMPTS = 12


class UrlExpired(Exception):
    """The store no longer accepts this URL; the gateway has to issue another."""


class ChunkBuffer:
    """A reusable buffer for one chunk of a stream, which grows with its content up to CHUNK_BYTES."""

    __slots__ = ("buffer", "seq", "sha256", "size")

    def __init__(self) -> None:
        self.buffer = bytearray(FIRST_BYTES)
        self.seq = 0
        self.size = 0
        self.sha256 = ""

    @property
    def content(self) -> memoryview:
        """The bytes of the chunk, without a copy."""
        return memoryview(self.buffer)[: self.size]

    def space(self) -> memoryview:
        """Returns the free part of the buffer; empty once the chunk is full."""
        if self.size == len(self.buffer):
            self.reserve(self.size * GROWTH)
        return memoryview(self.buffer)[self.size :]

    def put(self, content: bytes) -> None:
        """Replaces the content."""
        self.reserve(len(content))
        self.buffer[: len(content)] = content
        self.size = len(content)

    def fill(self, source: io.RawIOBase | io.BufferedIOBase, expected: int = 0) -> None:
        """Replaces the content by what a source still has, at most CHUNK_BYTES; ``expected`` spares growth on the way.

        Raises OSError.
        """
        self.size = 0
        self.reserve(expected + 1)  # One more, so that the end is found without growth, too.
        while self.size < CHUNK_BYTES and (count := source.readinto(self.space())):
            self.size += count

    def reserve(self, size: int) -> None:
        """Makes room for ``size`` bytes in all, at most CHUNK_BYTES."""
        size = min(size, CHUNK_BYTES)
        if size > len(self.buffer):
            # A new buffer, since a view of the old one may still be in use.
            grown = bytearray(size)
            grown[: self.size] = memoryview(self.buffer)[: self.size]
            self.buffer = grown


class ChunkPool:
    """At most ``limit`` chunks at once, which bounds the memory: a caller that needs another one waits."""

    def __init__(self, limit: int, termination: Termination) -> None:
        self._available = threading.Semaphore(limit)
        self._termination = termination
        self._free: list[ChunkBuffer] = []

    def take(self) -> ChunkBuffer:
        """Returns a chunk as soon as one is free. Raises Stopped if the assignment terminates meanwhile."""
        while not self._available.acquire(timeout=0.2):
            self._termination.check()
        try:
            return self._free.pop()
        except IndexError:
            return ChunkBuffer()

    def give_back(self, chunk: ChunkBuffer) -> None:
        """Returns a chunk to the pool."""
        self._free.append(chunk)
        self._available.release()


class ChunkStore:
    """Downloads and uploads chunks.

    Raises UrlExpired (400, 401, 403), AgentError if the store stays unusable, Stopped if the assignment terminates.
    """

    def __init__(self, termination: Termination) -> None:
        self._connections = HttpConnections(STORE_TIMEOUT)
        self._termination = termination

    def put(self, url: str, headers: Mapping[str, str], content: memoryview) -> None:
        """Uploads ``content``.

        The store keeps the first content of a URL. It refuses a repeated one (412): the answer to the first was lost.
        """
        problem = ""
        for attempt in range(ATTEMPTS):
            pause = full_jitter(attempt)
            try:
                response = self._connections.request("PUT", url, headers, content)
                response.read()
            except TRANSPORT_ERRORS as error:
                problem = describe(error)
            else:
                if response.status < 300 or response.status == 412:
                    return
                problem = self._problem(response.status)
                pause = max(pause, retry_after(response))
            self._termination.sleep(pause)
        raise AgentError(f"an output cannot be uploaded: {problem}")

    def get(self, url: str, chunk: ChunkBuffer) -> bool:
        """Downloads into ``chunk``; returns false if the store does not have the chunk (yet)."""
        problem = ""
        for attempt in range(ATTEMPTS):
            pause = full_jitter(attempt)
            try:
                response = self._connections.request("GET", url, {})
                if response.status == 200:
                    if self._read(response, chunk):
                        return True
                    self._connections.discard(url)
                    problem = "a chunk came incomplete or is larger than a chunk may be"
                else:
                    response.read()
                    if response.status == 404:
                        return False
                    problem = self._problem(response.status)
                    pause = max(pause, retry_after(response))
            except TRANSPORT_ERRORS as error:
                self._connections.discard(url)
                problem = describe(error)
            self._termination.sleep(pause)
        raise AgentError(f"an input cannot be downloaded: {problem}")

    def get_live(self, url: str, chunk: ChunkBuffer) -> bool:
        """Downloads a chunk of a stream that is still being written, like ``get``."""
        return self.get(url, chunk)

    def get_content(self, url: str, sha256: str, chunk: ChunkBuffer) -> bool:
        """Downloads a chunk of a stream that has ended, whose whole content has the digest ``sha256``, like ``get``."""
        return self.get(url, chunk)

    def forget_content(self, sha256: str) -> None:
        """Removes what this machine keeps of the content ``sha256``, which was not what its digest says."""

    def close(self) -> None:
        """Removes what it keeps on this machine for this runner."""

    @staticmethod
    def _read(response: http.client.HTTPResponse, chunk: ChunkBuffer) -> bool:
        expected: str | None = response.getheader("Content-Length")
        chunk.fill(response, int(expected or 0))
        complete = not response.read(1)
        return complete and (expected is None or int(expected) == chunk.size)

    @staticmethod
    def _problem(status: int) -> str:
        if status in (400, 401, 403):
            raise UrlExpired
        return f"the store answered {status}"
