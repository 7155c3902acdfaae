"""Ports for taking in the uploads of engines: each chunk once and in order, even if some come twice, late or together.

A chunk is first split into *parts* without secrets, one for each process that it reports (an engine hands on the
reports of its workers). Then one Lambda at a time takes in each process's parts, from where its stored *state* ends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.runs.ports import EngineStream
from cadence.domain.melodium.events import Event
from cadence.domain.melodium.log_entry import LogEntry


@dataclass(frozen=True)
class ReportPart:
    """The part of the `number`-th chunk of the process `source` that reports the process `run_id`."""

    run_id: str
    stream: EngineStream
    source: str
    number: int


class Uploaded(Protocol):
    """Reads uploads of engines (bucket `data`, `uploads/`)."""

    def entries(self, key: str) -> Iterator[LogEntry]:
        """Yields the log entries of a chunk. Raises NotFound, InvalidRequest."""

    def events(self, key: str, run_id: str) -> Iterator[tuple[str, Event]]:
        """Yields the events of a chunk of `run_id`, each with the process in which it happened.

        Raises NotFound, InvalidRequest.
        """

    def program(self, key: str) -> bytes:
        """Returns the uploaded program as JSON without secrets. Raises NotFound, InvalidRequest."""

    def exists(self, key: str) -> bool: ...

    def remove(self, key: str) -> None:
        """Removes an upload; a missing one is no error."""


class ReportParts(Protocol):
    """Stores parts and states (bucket `data`, `runs/{run}/melodium/`)."""

    def write_entries(self, part: ReportPart, entries: Iterable[LogEntry]) -> None:
        """Writes a part; writing the same again changes nothing."""

    def write_events(self, source: str, number: int, events: Iterable[tuple[str, Event]]) -> Sequence[str]:
        """Writes a chunk of `source` as one part for each process of its events, and returns the processes' ids."""

    def stored(
        self, run_id: str, stream: EngineStream, source: str | None = None
    ) -> Mapping[str, Mapping[int, datetime]]:
        """Returns when each part of a process was written, by source (all, or one) and number."""

    def entries(self, part: ReportPart) -> Iterator[LogEntry]: ...

    def events(self, part: ReportPart) -> Iterator[tuple[bytes, Event]]:
        """Yields the events of a part, each with a digest that identifies it."""

    def load(self, run_id: str, name: str) -> bytes | None:
        """Returns the content saved under `name`, or None."""

    def save(self, run_id: str, name: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class Turn:
    """The right to take in the parts of a process; `seen` is the number of announcements before it."""

    run_id: str
    stream: EngineStream
    holder: str
    seen: int


class Turns(Protocol):
    """Grants turns, one at a time for each process and stream (table `runs`)."""

    def announce(self, run_id: str, stream: EngineStream) -> None:
        """Announces new parts, which the holder of the turn will see, if there is a holder."""

    def take(self, run_id: str, stream: EngineStream, holder: str, now: datetime, until: datetime) -> Turn | None:
        """Takes the turn until `until`; None if another holder has it, who will see all earlier announcements."""

    def again(self, turn: Turn, until: datetime) -> Turn:
        """Extends the turn, for parts that were announced meanwhile. Raises Conflict if it was lost."""

    def drop(self, turn: Turn) -> None:
        """Ends the turn, so that another caller can take it."""

    def give_back(self, turn: Turn) -> bool:
        """Ends the turn; returns False, and keeps it, if more parts were announced meanwhile."""
