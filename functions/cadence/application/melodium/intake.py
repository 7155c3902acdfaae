"""What is needed to take in what engines upload: each chunk once, in order, whatever comes twice, late or at the same time.

A chunk is first split into *parts*, one for each process that it tells of (an engine hands on what its workers say),
without secrets. Then each process's parts are taken in by one Lambda at a time, from where its *state* says that the last
one stopped.
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
    """The `number`-th chunk of the process `source`, as far as it tells of the process `run_id`."""

    run_id: str
    stream: EngineStream
    source: str
    number: int


class Uploaded(Protocol):
    """Chunks as engines uploaded them (bucket `data`, `uploads/`)."""

    def entries(self, key: str) -> Iterator[LogEntry]:
        """Raises NotFound, InvalidRequest."""

    def events(self, key: str, run_id: str) -> Iterator[tuple[str, Event]]:
        """Of the process `run_id`, with the process that each happened in. Raises NotFound, InvalidRequest."""

    def program(self, key: str) -> bytes:
        """As JSON without secrets. Raises NotFound, InvalidRequest."""

    def exists(self, key: str) -> bool: ...

    def remove(self, key: str) -> None:
        """Removing what is not there is no error."""


class ReportParts(Protocol):
    """Parts and states (bucket `data`, `runs/{run}/melodium/`)."""

    def write_entries(self, part: ReportPart, entries: Iterable[LogEntry]) -> None:
        """Writing the same again changes nothing."""

    def write_events(self, source: str, number: int, events: Iterable[tuple[str, Event]]) -> Sequence[str]:
        """Of a chunk of `source`: one part for each process that its events are of, whose ids are returned."""

    def stored(
        self, run_id: str, stream: EngineStream, source: str | None = None
    ) -> Mapping[str, Mapping[int, datetime]]:
        """When each part of a process was written, by source (all, or one) and number."""

    def entries(self, part: ReportPart) -> Iterator[LogEntry]: ...

    def events(self, part: ReportPart) -> Iterator[tuple[bytes, Event]]:
        """Each with a digest by which it is known again."""

    def load(self, run_id: str, name: str) -> bytes | None:
        """None if nothing was saved under this name."""

    def save(self, run_id: str, name: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class Turn:
    """The right to take in what there is of a process; `seen` is the number of announcements that came before."""

    run_id: str
    stream: EngineStream
    holder: str
    seen: int


class Turns(Protocol):
    """One at a time for each process and stream (table `runs`)."""

    def announce(self, run_id: str, stream: EngineStream) -> None:
        """There is more to be taken in. Whoever has the turn will see it, or nobody has it."""

    def take(self, run_id: str, stream: EngineStream, holder: str, now: datetime, until: datetime) -> Turn | None:
        """None if another holder has it, who will see what was announced before."""

    def again(self, turn: Turn, until: datetime) -> Turn:
        """Keeps the turn, for what was announced meanwhile. Raises Conflict if it was lost."""

    def drop(self, turn: Turn) -> None:
        """Lets another try."""

    def give_back(self, turn: Turn) -> bool:
        """False if more was announced meanwhile: then it is still held."""
