"""What flows over one connection: chunks in order, then an empty one that ends the stream."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation

MAX_CHUNK = 8 * 1024 * 1024
# A producer is at most this many chunks ahead of its slowest consumer.
WINDOW = 16


class InputState(StrEnum):
    OPEN = "open"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True)
class Chunk:
    seq: int
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class StreamEnd:
    """`chunks` counts data chunks, not the empty one that ends the stream; `preview` is at most 4 KiB, masked."""

    size: int
    sha256: str
    chunks: int
    preview: bytes = b""


@dataclass(frozen=True)
class StreamProgress:
    """One attempt's output as committed so far; `next_seq` is the first chunk not yet committed."""

    next_seq: int = 0
    size: int = 0
    end: StreamEnd | None = None

    def new_chunks(self, reported: Sequence[Chunk]) -> Sequence[Chunk]:
        """Those of `reported` that are new. Raises InvalidRequest or Conflict unless they follow on without a gap."""
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
        """Raises Conflict unless `end` fits what is committed, its empty last chunk included."""
        if end.chunks + 1 != self.next_seq or end.size != self.size:
            raise Conflict(
                f"The end says {end.chunks} chunks and {end.size} bytes, but {self.next_seq} chunks (the empty one "
                f"included) and {self.size} bytes are committed.",
                chunks=self.next_seq,
                size=self.size,
            )


def upload_credit(want: int, from_seq: int, positions: Iterable[int]) -> int:
    """How many of `want` chunks from `from_seq` on may be sent, given the next chunk of each attached consumer.

    A stream that nobody reads yet is not held back: whoever comes later reads it from the start.
    """
    slowest = min(positions, default=None)
    if slowest is None:
        return want
    return max(0, min(want, slowest + WINDOW - from_seq))


def retry_after(ahead: int) -> float:
    """Seconds until asking again is worth it: the further ahead the producer is, the longer (20 ms to 1 s)."""
    return min(1.0, 0.02 * math.pow(2, max(0, ahead - WINDOW) / 4))
