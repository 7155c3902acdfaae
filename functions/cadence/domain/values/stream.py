"""Streams over one connection: chunks in order, then an empty one that ends the stream."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation

MAX_CHUNK = 8 * 1024 * 1024
WINDOW = 16
"""The number of chunks by which a producer may be ahead of its slowest consumer."""


class InputState(StrEnum):
    """The state of an input port's stream."""

    OPEN = "open"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True)
class Chunk:
    """One chunk of a stream by its sequence number and digest."""

    seq: int
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class StreamEnd:
    """The end of a stream: its size in bytes and its digest.

    `chunks` counts data chunks, not the empty one that ends the stream; `preview` is at most 4 KiB, masked.
    """

    size: int
    sha256: str
    chunks: int
    preview: bytes = b""


@dataclass(frozen=True)
class StreamProgress:
    """The output of one attempt as committed so far; `next_seq` is the first chunk not yet committed."""

    next_seq: int = 0
    size: int = 0
    end: StreamEnd | None = None

    def new_chunks(self, reported: Sequence[Chunk]) -> Sequence[Chunk]:
        """Returns the chunks of `reported` that are not committed yet.

        Raises Conflict if they leave a gap or the stream has ended, and InvalidRequest if an empty chunk is not the
        last.
        """
        fresh = [chunk for chunk in reported if chunk.seq >= self.next_seq]
        for expected, chunk in enumerate(fresh, self.next_seq):
            if chunk.seq != expected:
                raise Conflict(
                    f"Chunk {chunk.seq} was reported before chunk {expected}: report chunks in order.",
                    expected=expected,
                )
        if fresh and self.end is not None:
            raise Conflict("The stream has ended already.", chunks=self.end.chunks)
        if any(chunk.size == 0 for chunk in fresh[:-1]):
            raise InvalidRequest(
                "Nothing may follow the empty chunk that ends a stream.",
                [Violation("/committed", "an empty chunk may only be the last one")],
            )
        return fresh

    def check_end(self, end: StreamEnd) -> None:
        """Raises Conflict unless `end` matches the committed chunks, including the empty last one."""
        if end.chunks + 1 != self.next_seq or end.size != self.size:
            raise Conflict(
                f"The end says {end.chunks} chunks and {end.size} bytes, but {self.next_seq} chunks (the empty one "
                f"included) and {self.size} bytes are committed.",
                chunks=self.next_seq,
                size=self.size,
            )


def check_digest(end: StreamEnd, first_chunk: str) -> None:
    """Raises Conflict if a stream of at most one chunk ends with another digest than its first chunk has."""
    if end.chunks <= 1 and end.sha256 != first_chunk:
        raise Conflict(
            f"The end says that the stream's SHA-256 is {end.sha256}, but its only chunk has {first_chunk}.",
            sha256=first_chunk,
        )


def check_chunk(reported: Chunk, size: int | None, sha256: str | None) -> None:
    """Raises Conflict unless the bucket has a chunk as it was reported; `size` is None if it has none."""
    if size is None:
        raise Conflict(
            f"Chunk {reported.seq} was reported, but it is not in the bucket. Upload it and report it again.",
            missing=reported.seq,
        )
    if (size, sha256) != (reported.size, reported.sha256):
        raise Conflict(
            f"Chunk {reported.seq} was reported with {reported.size} bytes and the SHA-256 {reported.sha256}, but the "
            f"bucket has {size} bytes with {sha256 or 'no SHA-256'}. The attempt cannot continue with this output.",
            differs=reported.seq,
        )


def check_stored(sizes: Iterable[int], end: StreamEnd) -> None:
    """Raises Conflict unless the chunks in the bucket, of these sizes, are those that the end states.

    The empty chunk that ends the stream is one of them.
    """
    stored = list(sizes)
    if len(stored) != end.chunks + 1 or sum(stored) != end.size:
        raise Conflict(
            f"The end says {end.chunks} chunks and {end.size} bytes, but {len(stored)} chunks (the empty one included) "
            f"and {sum(stored)} bytes are in the bucket. Upload what is missing and report the end again.",
            chunks=len(stored),
            size=sum(stored),
        )


def upload_credit(want: int, from_seq: int, positions: Iterable[int]) -> int:
    """Returns how many of `want` chunks from `from_seq` on may be sent, given the next chunk of each attached consumer.

    A stream without consumers is not held back: a later consumer reads it from the start.
    """
    slowest = min(positions, default=None)
    if slowest is None:
        return want
    return max(0, min(want, slowest + WINDOW - from_seq))


def retry_after(ahead: int) -> float:
    """Returns the seconds to wait before the next request: longer the further ahead the producer is (20 ms to 1 s)."""
    return min(1.0, 0.02 * math.pow(2, max(0, ahead - WINDOW) / 4))
