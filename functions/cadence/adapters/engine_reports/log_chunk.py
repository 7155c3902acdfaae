"""Reads lines of an engine from a chunk as it was uploaded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from cadence.adapters.engine_reports.pieces import ByteSource, elements
from cadence.domain.melodium.log_entry import LEVELS, LogEntry
from cadence.domain.melodium.redaction import Masks


class _Entry(msgspec.Struct):
    timestamp: str
    level: str
    label: str
    message: str
    track_id: int | None = None
    run_id: str | None = None


_DECODER = msgspec.json.Decoder(_Entry)


@dataclass
class ReadEntries:
    """Reads lines. `unreadable` counts elements that were no line as an engine writes it, and were left out."""

    masks: Masks
    unreadable: int = 0

    def read(self, source: ByteSource) -> Iterator[LogEntry]:
        """Returns the lines. Raises InvalidRequest for what is no chunk at all."""
        for element in elements(source):
            try:
                read = _DECODER.decode(element)
                datetime.fromisoformat(read.timestamp)
            except (msgspec.DecodeError, ValueError, RecursionError):
                self.unreadable += 1
                continue
            if read.level not in LEVELS:
                self.unreadable += 1
                continue
            yield LogEntry(
                time=read.timestamp,
                level=read.level,
                label=self.masks.masked(read.label),
                message=self.masks.masked(read.message),
                track=read.track_id,
                run_id=read.run_id.lower() if read.run_id else None,
            )
