"""Downloads one input from the store to a FIFO or a file, across its producer's attempts."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable

from ..shared.errors import AgentError, ProducerFailed
from ..shared.termination import Termination
from .chunks import ChunkBuffer, ChunkPool, ChunkStore, UrlExpired

CHUNKS_IN_MEMORY = 5
PARALLEL = 3
#: Chunks delivered between two reports to the gateway; well below the producer's lead of 16.
REPORT_EVERY = 6
SHORTEST_WAIT, LONGEST_WAIT = 0.02, 1.0
MOST_EXPIRED = 5
#: Seconds that a chunk of an ended stream may be missing in the store, since it will not be uploaded any more.
LONGEST_MISSING = 60.0

Call = Callable[[dict[str, Any]], dict[str, Any]]
#: Accepts bytes; returns false if the command accepts no more.
ByteSink = Callable[[memoryview], bool]


class NewEpoch(Exception):
    """The producer started again, so reading starts again too."""


class InputDownload:
    """Downloads a whole input into a sink. ``update_producer`` may be called from any thread, ``read`` from one.

    ``first`` is the gateway's answer for the first chunks, where it came with the assignment; it attaches nobody.
    """

    def __init__(
        self,
        name: str,
        call: Call,
        store: ChunkStore,
        termination: Termination,
        first: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._call, self._store, self._termination = call, store, termination
        self._pool = ChunkPool(CHUNKS_IN_MEMORY, termination)
        self._news = threading.Condition()
        self._epoch = 0
        self._newest_epoch = 0
        self._failed = False
        self._abandoned = False
        self._end: dict[str, Any] | None = None
        self._urls: dict[int, tuple[str, str | None]] = {}
        self._request: Future[None] | None = None
        #: Whether the gateway holds the producer back for this consumer: not once the producer's stream has ended.
        self._attached = False
        self._position = 0
        self._reported = 0
        self._ask_again = 0.0
        self._expired = 0
        self._delivered = 0
        self._digest = hashlib.sha256()
        if first is not None:
            self._take(first, 0)

    def update_producer(self, epoch: int, state: str) -> None:
        """Records the producer's epoch and state, which a heartbeat's answer reported."""
        with self._news:
            self._newest_epoch = max(self._newest_epoch, epoch)
            self._failed = self._failed or state == "failed"
            self._news.notify_all()

    def abandon(self) -> None:
        """Stops reading, since the command accepts no more."""
        with self._news:
            self._abandoned = True
            self._news.notify_all()

    def check(self) -> None:
        """Raises ProducerFailed or Stopped if the input can no longer arrive."""
        self._check_producer()

    def read(self, sink: ByteSink) -> None:
        """Delivers the whole input to ``sink``, in order and each byte once.

        Raises ProducerFailed, AgentError (the store is unusable, or a new attempt's data differs), Stopped.
        """
        workers = ThreadPoolExecutor(PARALLEL + 1, thread_name_prefix=f"download-{self.name}")
        try:
            while True:
                try:
                    if self._read_epoch(sink, workers):
                        break
                except NewEpoch:
                    self._restart()
            if self._request is not None:
                self._request.result()  # which may attach this consumer
            if self._attached:
                self._tell_done()
        finally:
            workers.shutdown(wait=False)

    def _read_epoch(self, sink: ByteSink, workers: ThreadPoolExecutor) -> bool:
        """Reads from chunk 0; returns true once the stream ended or the sink accepts no more."""
        skip, check = self._delivered, hashlib.sha256()
        window: dict[int, Future[ChunkBuffer | None]] = {}
        hot = False
        waiting_since = time.monotonic()
        missing_since: float | None = None
        try:
            while True:
                if self._abandoned:
                    return True
                self._check_producer()
                self._keep_urls(workers)
                if self._end is not None and self._position >= self._end["chunks"]:
                    return self._ended(skip)
                self._fill(window, workers, PARALLEL if hot else 1)
                chunk = self._result(window)
                if chunk is None:
                    hot = False
                    instant = time.monotonic()
                    if self._end is not None:
                        missing_since = missing_since or instant
                        if instant - missing_since > LONGEST_MISSING:
                            raise self._missing()
                    waited = instant - waiting_since
                    self._pause(min(LONGEST_WAIT, max(SHORTEST_WAIT, waited / 10)))
                    continue
                hot = True
                try:
                    if not chunk.size:
                        return self._ended(skip)
                    skip, accepts_more = self._deliver(chunk.content, skip, check, sink)
                    if not accepts_more:
                        return True
                finally:
                    self._pool.give_back(chunk)
                self._position += 1
                waiting_since = time.monotonic()
                missing_since = None
        finally:
            for download in window.values():
                download.add_done_callback(self._give_back)

    def _deliver(self, content: memoryview, skip: int, check: Any, sink: ByteSink) -> tuple[int, bool]:
        """Delivers new bytes; bytes that an earlier attempt already delivered are only compared.

        Returns the number of bytes still to compare, and whether the sink accepts more.
        """
        if skip:
            known = content[:skip]
            check.update(known)
            skip -= len(known)
            content = content[len(known) :]
            if not skip and check.digest() != self._digest.digest():
                raise self._differs()
        if not len(content):
            return skip, True
        self._digest.update(content)
        accepts_more = sink(content)
        self._delivered += len(content)
        return skip, accepts_more

    def _ended(self, skip: int) -> bool:
        if skip:
            raise self._differs()
        if self._end is not None and (self._end["size"], self._end["sha256"]) != (
            self._delivered,
            self._digest.hexdigest(),
        ):
            self._store.forget_content(self._end["sha256"])
            raise AgentError(
                f"input {self.name} is damaged: its digest differs from the one that its producer announced"
            )
        return True

    def _differs(self) -> AgentError:
        return AgentError(
            f"input {self.name} cannot continue: its producer's new attempt sent other data than was already delivered"
        )

    def _missing(self) -> AgentError:
        return AgentError(
            f"input {self.name} cannot be read: its stream has ended, but chunk {self._position} is not in the store"
        )

    def _fill(self, window: dict[int, Future[ChunkBuffer | None]], workers: ThreadPoolExecutor, parallel: int) -> None:
        for seq in range(self._position, self._position + parallel):
            if seq in self._urls and seq not in window and (self._end is None or seq < self._end["chunks"]):
                window[seq] = workers.submit(self._download, seq)

    def _result(self, window: dict[int, Future[ChunkBuffer | None]]) -> ChunkBuffer | None:
        """Returns the next chunk in order, or None if it is not there yet."""
        download = window.pop(self._position, None)
        if download is None:
            return None
        try:
            chunk = download.result()
        except UrlExpired:
            self._expired += 1
            if self._expired > MOST_EXPIRED:
                raise AgentError(
                    f"input {self.name} cannot be downloaded: the store refuses every URL that the gateway issues"
                ) from None
            self._urls.clear()
            return None
        if chunk is not None:
            self._expired = 0
            self._urls.pop(self._position, None)
        return chunk

    def _download(self, seq: int) -> ChunkBuffer | None:
        chunk = self._pool.take()
        exists = False
        try:
            url, sha256 = self._urls[seq]
            end, store = self._end, self._store
            exists = store.get_live(url, chunk) if end is None else store.get_content(url, end["sha256"], chunk)
            if exists and sha256 and hashlib.sha256(chunk.content).hexdigest() != sha256:
                raise AgentError(
                    f"input {self.name} is damaged: "
                    f"the digest of chunk {seq} differs from the one that its producer announced"
                )
        except KeyError:
            raise UrlExpired from None
        finally:
            if not exists:
                self._pool.give_back(chunk)
        return chunk if exists else None

    def _give_back(self, download: Future[ChunkBuffer | None]) -> None:
        chunk = None if download.cancelled() or download.exception() else download.result()
        if chunk is not None:
            self._pool.give_back(chunk)

    def _keep_urls(self, workers: ThreadPoolExecutor) -> None:
        """Asks the gateway in the background when URLs run out or when this consumer's progress has to be reported."""
        if self._request is not None:
            if not self._request.done():
                return
            finished_request, self._request = self._request, None
            finished_request.result()
        if self._end is not None and (self._position >= self._end["chunks"] or self._end["chunks"] - 1 in self._urls):
            return  # all URLs are there, and a producer that has ended is held back by no consumer
        lacking = self._position not in self._urls and time.monotonic() >= self._ask_again
        unattached = self._end is None and not self._attached and self._position in self._urls
        if lacking or unattached or self._position - self._reported >= REPORT_EVERY:
            self._request = workers.submit(self._ask)
            if lacking:
                self._request.result()

    def _ask(self) -> None:
        position = self._position
        answer = self._call({"epoch": self._epoch, "next_seq": position, "done": False})
        self._attached = self._attached or not answer.get("end")
        self._take(answer, position)

    def _take(self, answer: dict[str, Any], position: int) -> None:
        """Applies an answer for the chunks from ``position`` on."""
        urls = {download["seq"]: (download["url"], download.get("sha256")) for download in answer["downloads"]}
        with self._news:
            self._reported = position
            self._ask_again = time.monotonic() + min(5.0, max(SHORTEST_WAIT, float(answer.get("retry_after") or 0)))
            self._failed = self._failed or answer["state"] == "failed"
            if not self._epoch:
                self._epoch = answer["epoch"]
            if answer["epoch"] == self._epoch:
                self._urls.update(urls)
                self._end = answer.get("end") or self._end
            self._newest_epoch = max(self._newest_epoch, answer["epoch"])

    def _tell_done(self) -> None:
        self._call({"epoch": self._epoch, "next_seq": self._position, "done": True})

    def _restart(self) -> None:
        with self._news:
            self._epoch = self._newest_epoch
        self._urls.clear()
        self._end = None
        self._position = self._reported = 0
        self._ask_again = 0.0

    def _check_producer(self) -> None:
        self._termination.check()
        with self._news:
            if self._failed:
                raise ProducerFailed(f"input {self.name}: its producer failed")
            if self._epoch and self._newest_epoch > self._epoch:
                raise NewEpoch

    def _pause(self, seconds: float) -> None:
        with self._news:
            self._news.wait(seconds)
