"""Ports of the use cases for runs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.engine_outcome import EngineEvidence


class EngineStream(StrEnum):
    """What an engine uploads in chunks."""

    LOGS = "logs"
    DEBUG = "debug"


class ReportedStore(Protocol):
    """What processes say of themselves (table `runs`)."""

    def get(self, run_id: str) -> Reported:
        """One in which nothing is known, if it has said nothing."""

    def evidence(self, run_id: str) -> EngineEvidence:
        """What its reports tell of how it went; nothing, if none has been looked at."""

    def note_lines(self, run_id: str, chunks: int, errors: int, first_error: str) -> None:
        """What was seen in as many chunks of its log. By whoever looks at them, of whom there is one at a time."""

    def note_events(self, run_id: str, chunks: int, failed_steps: Sequence[str], *, over: bool) -> None:
        """What was seen in as many chunks of its events; `over` if they say that nothing is left to do. Likewise."""

    def note_details(self, run_id: str, entrypoint: str, parameters: Mapping[str, str]) -> None:
        """What it executes; the parameters are JSON texts."""

    def entrypoint(self, run_id: str) -> str:
        """`` if it has not said what it executes."""

    def note_start(self, run_id: str, version: str, tags: Iterable[str]) -> None:
        """Adds to the tags; the newest version counts."""

    def note_reporting(self, run_id: str, at: datetime) -> None:
        """The first time counts."""

    def note_launched(self, run_id: str, errors: Sequence[str], at: datetime) -> None:
        """The first word counts."""

    def note_ended(self, run_id: str, how: ProcessOutcome, messages: Sequence[str], at: datetime) -> None:
        """The first word counts."""

    def count_chunks(self, run_id: str, stream: EngineStream, chunks: int) -> None:
        """Keeps the largest count."""
