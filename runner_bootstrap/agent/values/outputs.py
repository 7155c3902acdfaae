"""Uploads one output from a FIFO or a file to the store, within the credits that the gateway grants."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import queue
import select
import threading
import time
from typing import Any, Callable

from ..logs.masking import Masker
from ..shared.termination import Termination
from ..shared.threads import WorkerThreads
from .chunks import CHUNK_BYTES, FIRST_BYTES, ChunkBuffer, ChunkPool, ChunkStore, UrlExpired
from .grants import Expiries, Grant
from .type_checks import Checker
from .upload_credits import MOST_COMMITTED, UploadCredits, UploadedChunks

UPLOADERS = 6
CHUNKS_IN_MEMORY = 8
PREVIEW_BYTES = 4096
#: Uploaded chunks that are reported without waiting for ``COMMIT_SECONDS``.
REPORTED_TOGETHER = 12
#: No URLs are asked for while so many chunks are being uploaded, so that a request asks for several.
BUSY = 2
COMMIT_SECONDS = 1.0
#: Each chunk of a stream is so many times as long as the one before, from FIRST_BYTES up to CHUNK_BYTES.
RAMP = 8
#: How long the first byte of a chunk waits for more: a tenth of the stream's age, within these bounds (seconds).
LEAST_PATIENCE, MOST_PATIENCE = 0.05, 2.0
#: A denied producer asks again after a tenth of the time that it has waited, within these bounds (seconds).
LEAST_ASKING, MOST_ASKING = 0.02, 1.0


class OutputUpload:
    """Uploads the data that ``follow_stream`` or ``read_file`` reads.

    ``upload_credits`` sends its requests. ``failed`` is called with the first error of any thread. ``checker`` holds
    invalid data back. A chunk's URL is asked for once the chunk is there: its length and its digest are signed with it.
    """

    def __init__(
        self,
        name: str,
        upload_credits: UploadCredits,
        store: ChunkStore,
        termination: Termination,
        masker: Masker,
        failed: Callable[[Exception], None],
        checker: Checker | None = None,
    ) -> None:
        self.name = name
        self.fully_reported = False
        self._checker = checker
        self._credits, self._store, self._termination, self._masker = upload_credits, store, termination, masker
        self._pool = ChunkPool(CHUNKS_IN_MEMORY, termination)
        self._queue: queue.SimpleQueue[ChunkBuffer | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._grants: dict[int, Grant] = {}
        #: Chunks that wait for a URL, by number: their lengths and digests.
        self._waiting: dict[int, dict[str, Any]] = {}
        self._uploading = 0
        self._unreported = UploadedChunks()
        self._next_seq = 0
        self._uploaded = 0
        self._uploaders = 0
        self._denied_since: float | None = None
        self._ask_again = 0.0
        self._expiries = Expiries(name)
        self._digest = hashlib.sha256()
        self.size = 0
        self._preview = bytearray()
        self._all_read = False
        self._last_report = time.monotonic()
        self._workers = WorkerThreads(termination, failed)

    def follow_stream(self, fifo: int, command_ended: int) -> None:
        """Reads the FIFO on a thread until it is empty and the command has ended.

        ``command_ended`` is the reading end of a pipe whose writing end is closed at that moment.
        """
        self._workers.start(f"read-{self.name}", lambda: self._read_stream(fifo, command_ended))

    def follow_file(self, file: io.FileIO) -> None:
        """Reads a file, or a pipe to its end, on a thread, and closes it."""

        def read() -> None:
            with file:
                self.read_file(file)

        self._workers.start(f"read-{self.name}", read)

    def read_file(self, file: io.FileIO) -> None:
        """Reads a whole file (a block value)."""
        while True:
            chunk = self._empty_chunk()
            chunk.fill(file)
            if not chunk.size:
                self._end(chunk)
                return
            self._queue_up(chunk)

    def finish(self) -> None:
        """Waits until everything is in the store. Raises Stopped if the assignment terminates first."""
        self._workers.join()

    def _read_stream(self, fifo: int, command_ended: int) -> None:
        poller = select.poll()
        poller.register(fifo, select.POLLIN)
        poller.register(command_ended, select.POLLIN)
        ended = False
        began = 0.0
        length = FIRST_BYTES
        chunk = self._empty_chunk()
        while True:
            due = float("inf")
            # Data that is not certainly valid yet needs more to become so.
            limit = min(CHUNK_BYTES, max(length, 2 * chunk.size))
            while chunk.size < limit and time.monotonic() < due:
                try:
                    count = os.readv(fifo, [chunk.space()[: limit - chunk.size]])
                except BlockingIOError:
                    count = 0
                if count:
                    instant = time.monotonic()
                    began = began or instant
                    if due == float("inf"):
                        due = instant + min(MOST_PATIENCE, max(LEAST_PATIENCE, (instant - began) / 10))
                    chunk.size += count
                elif ended:
                    chunk = self._send_checked(chunk, last=True)
                    self._end(chunk)
                    return
                else:
                    ready = poller.poll(min(0.2, max(0.0, due - time.monotonic())) * 1000)
                    ended = any(descriptor == command_ended for descriptor, _ in ready)
                    self._termination.check()
            chunk = self._send_checked(chunk)
            length = min(CHUNK_BYTES, length * RAMP)

    def _send_checked(self, chunk: ChunkBuffer, last: bool = False) -> ChunkBuffer:
        """Queues the data that is certainly valid; returns the chunk to continue with, which begins with the rest."""
        size = self._checker.check(chunk.buffer, chunk.size, last) if self._checker else chunk.size
        if not size:
            return chunk
        rest = bytes(memoryview(chunk.buffer)[size : chunk.size])
        chunk.size = size
        self._queue_up(chunk)
        following = self._empty_chunk()
        following.put(rest)
        return following

    def _empty_chunk(self) -> ChunkBuffer:
        chunk = self._pool.take()
        chunk.size = 0
        return chunk

    def _queue_up(self, chunk: ChunkBuffer) -> None:
        if len(self._preview) < 2 * PREVIEW_BYTES:
            self._preview += chunk.content[: 2 * PREVIEW_BYTES - len(self._preview)]
        self._digest.update(chunk.content)
        self.size += chunk.size
        self._give(chunk)

    def _end(self, chunk: ChunkBuffer) -> None:
        chunk.size = 0
        self._give(chunk, last=True)
        for _ in range(self._uploaders):
            self._queue.put(None)

    def _give(self, chunk: ChunkBuffer, last: bool = False) -> None:
        with self._changed:
            chunk.seq = self._next_seq
            self._next_seq += 1
            self._all_read = last
            busy = self._next_seq - self._uploaded > self._uploaders
        # A further uploader would not send the empty chunk at the end any faster.
        if busy and self._uploaders < (1 if last else UPLOADERS):
            self._workers.start(f"upload-{self.name}-{self._uploaders}", self._upload_all)
            self._uploaders += 1
        self._queue.put(chunk)

    def _upload_all(self) -> None:
        while True:
            chunk = self._next_chunk()
            if chunk is None:
                return
            chunk.sha256 = hashlib.sha256(chunk.content).hexdigest()
            while True:
                grant = self._grant_for(chunk)
                try:
                    self._store.put(grant.url, grant.headers, chunk.content)
                    break
                except UrlExpired:
                    self._forget_grants(grant)
            with self._changed:
                self._uploading -= 1
                self._unreported.add(chunk)
                self._uploaded += 1
                self._expiries.end()
            self._credits.changed()
            self._pool.give_back(chunk)

    def _next_chunk(self) -> ChunkBuffer | None:
        while True:
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=0.5)
            self._termination.check()

    def _grant_for(self, chunk: ChunkBuffer) -> Grant:
        with self._changed:
            self._waiting[chunk.seq] = {"size": chunk.size, "sha256": chunk.sha256}
            self._credits.changed()
            while chunk.seq not in self._grants:
                self._changed.wait(0.2)
                self._termination.check()
            del self._waiting[chunk.seq]
            self._uploading += 1
            return self._grants.pop(chunk.seq)

    def _forget_grants(self, expired: Grant) -> None:
        """Forgets the URLs that are as old as one that expired. Raises AgentError if those issued since do so, too."""
        with self._changed:
            self._uploading -= 1
            if self._expiries.add(expired):
                self._grants.clear()

    def accept_answer(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Takes the gateway's answer to a request of this output."""
        with self._changed:
            self._unreported.remove(request["committed"])
            self._last_report = time.monotonic()
            self.fully_reported = bool(request["end"])
            granted = 0
            for upload in answer["uploads"]:
                if upload["seq"] in self._waiting:
                    headers = dict(upload.get("headers") or {})
                    self._grants[upload["seq"]] = Grant(upload["url"], headers, self._expiries.count)
                    granted += 1
            self._changed.notify_all()
            if granted:
                self._denied_since = None
            elif request["wanted"]:
                self._denied_since = self._denied_since or self._last_report
                # A consumer that stays behind for hours must not cause requests all the time.
                patience = min(MOST_ASKING, (self._last_report - self._denied_since) / 10)
                pause = min(5.0, max(LEAST_ASKING, patience, float(answer.get("retry_after") or 0)))
                self._ask_again = self._last_report + pause

    def next_request(self) -> dict[str, Any] | None:
        """Returns the request to send now, or None if there is nothing to report or to ask for."""
        with self._changed:
            instant = time.monotonic()
            end = self._end_report()
            lacking = self._lacking() if instant >= self._ask_again else None
            reports = self._unreported.next()
            many = len(reports) >= REPORTED_TOGETHER or (reports and instant - self._last_report >= COMMIT_SECONDS)
            if not (end or lacking is not None or many):
                return None
            seq = self._next_seq if lacking is None else lacking
            return {"committed": reports, "next_seq": seq, "wanted": self._wanted_from(seq), "end": end}

    def _wanted_from(self, seq: int) -> list[dict[str, Any]]:
        """Returns the chunks without a URL from number ``seq`` on, as far as there is no gap."""
        wanted: list[dict[str, Any]] = []
        while seq in self._waiting.keys() - self._grants.keys() and len(wanted) < MOST_COMMITTED:
            wanted.append(self._waiting[seq])
            seq += 1
        return wanted

    def _lacking(self) -> int | None:
        """Returns the number of the first chunk that waits for a URL, if it is time to ask for some."""
        if len(self._grants) + self._uploading >= BUSY and not self._all_read:
            return None
        return min(self._waiting.keys() - self._grants.keys(), default=None)

    def _end_report(self) -> dict[str, Any] | None:
        if not self._all_read or self._uploaded < self._next_seq or len(self._unreported) > MOST_COMMITTED:
            return None
        preview = self._masker.mask_bytes(bytes(self._preview))[:PREVIEW_BYTES]
        return {
            "size": self.size,
            "sha256": self._digest.hexdigest(),
            "chunks": self._next_seq - 1,
            "preview": base64.b64encode(preview).decode(),
        }
