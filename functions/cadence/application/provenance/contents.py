"""Reads the contents of values, within the limit of one request."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.provenance.ports import ChunkTimes, StoredChunk
from cadence.application.shared.value_ports import Chunks
from cadence.domain.provenance.graph import ValuePart
from cadence.domain.provenance.lines import ContentLines, read_lines
from cadence.domain.runs.run import Value
from cadence.domain.shared.errors import NotFound

MOST_READ = 64 * 1024 * 1024
"""The bytes of all contents together that one request may read."""
_MOST_CHUNKS = 2_000
_START = 4_096


@dataclass(kw_only=True)
class Contents:
    """Reads each content once; it is None if it has more bytes than are `left`, or is not kept (any more)."""

    chunks: Chunks
    times: ChunkTimes
    left: int = MOST_READ
    _lines: dict[str, ContentLines | None] = field(default_factory=dict)
    _times: dict[str, Sequence[StoredChunk]] = field(default_factory=dict)

    def lines(self, value: Value) -> ContentLines | None:
        """Returns the lines of a value; None if they cannot be read."""
        if value.passes:
            return None
        if value.sha256 not in self._lines:
            self._lines[value.sha256] = self._read_lines(value)
        return self._lines[value.sha256]

    def begins_with(self, value: Value, beginning: Value) -> bool | None:
        """Returns True if `value` begins with the bytes of the other, by digest; None if it cannot be read."""
        if beginning.size > value.size:
            return False
        if value.passes or beginning.passes:
            return None
        digest, remaining = hashlib.sha256(), beginning.size
        try:
            if not self._start_alike(value, beginning):
                return False
            if not self._may_read(remaining):
                return None
            for piece in self._pieces(value):
                digest.update(piece[:remaining])
                remaining -= min(remaining, len(piece))
                if not remaining:
                    break
        except NotFound:
            return None
        return digest.hexdigest() == beginning.sha256

    def whole(self, value: Value) -> bytes | None:
        """Returns all bytes of a value; None if they cannot be read."""
        if value.passes or not self._may_read(value.size):
            return None
        try:
            return b"".join(self._pieces(value))
        except NotFound:
            return None

    def sent_by(self, prefix: str, at: datetime) -> ValuePart | None:
        """Returns the part of a stream with this prefix that was in the store at a time, by the store's own clock.

        The clock counts whole seconds. All bytes behind the part came later. None if there are too many chunks.
        """
        stored = self._stored(prefix)
        if not stored:
            return None
        present = [number for number, chunk in enumerate(stored) if _second(chunk.stored_at) <= _second(at)]
        # Chunks may overtake each other, so those before the last one that was present may have been present.
        return ValuePart(0, sum(chunk.size for chunk in stored[: present[-1] + 1]) if present else 0)

    def stored_at(self, prefix: str, offset: int) -> datetime | None:
        """Returns when the chunk with this byte came to the store."""
        end = 0
        for chunk in self._stored(prefix):
            end += chunk.size
            if offset < end:
                return chunk.stored_at
        return None

    def _stored(self, prefix: str) -> Sequence[StoredChunk]:
        if prefix not in self._times:
            chunks = self.times.chunk_times(prefix, _MOST_CHUNKS + 1)
            self._times[prefix] = chunks if len(chunks) <= _MOST_CHUNKS else ()
        return self._times[prefix]

    def _read_lines(self, value: Value) -> ContentLines | None:
        if not self._may_read(value.size):
            return None
        try:
            return read_lines(self._pieces(value))
        except NotFound:
            return None

    def _start_alike(self, *values: Value) -> bool:
        """Returns True if their first bytes are the same: most contents differ there, and need not be read in full."""
        first, second = (self.chunks.read(value.chunk_key(0), 0, _START) for value in values)
        both = min(len(first), len(second))
        return first[:both] == second[:both]

    def _pieces(self, value: Value) -> Iterator[bytes]:
        return self.chunks.read_whole(value.chunk_keys)

    def _may_read(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def _second(at: datetime) -> int:
    return int(at.timestamp())
