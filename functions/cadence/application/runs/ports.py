"""Ports of the use cases for runs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.engine_outcome import EngineEvidence
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.step_progress import StepReport


class EngineStream(StrEnum):
    """The kinds of data that an engine uploads in chunks."""

    LOGS = "logs"
    DEBUG = "debug"


class ReportedStore(Protocol):
    """The reports that engines send about their processes (table `runs`)."""

    def get(self, run_id: str) -> Reported:
        """Returns the process's reports; an empty one if nothing was reported."""

    def evidence(self, run_id: str) -> EngineEvidence:
        """Returns the outcome that is visible in its reports; empty if none has been read."""

    def note_lines(self, run_id: str, chunks: int, errors: int, first_error: str, interrupted: str) -> None:
        """Notes the errors, and the line about an interruption, in the first `chunks` chunks of its log.

        One writer at a time.
        """

    def note_events(self, run_id: str, chunks: int, failed_steps: Sequence[str], *, over: bool) -> None:
        """Notes the failed steps in the first `chunks` chunks of its events. One writer at a time.

        `over` is whether the events show that nothing is left to do.
        """

    def note_details(self, run_id: str, entrypoint: str, parameters: Mapping[str, str]) -> None:
        """Notes what the process executes; the parameters are JSON texts."""

    def entrypoint(self, run_id: str) -> str:
        """Returns what the process executes; empty if that was not reported."""

    def note_start(self, run_id: str, version: str, tags: Iterable[str]) -> None:
        """Adds to the tags; the newest version counts."""

    def note_reporting(self, run_id: str, at: datetime) -> None:
        """Notes when reporting began; the first call counts."""

    def note_launched(self, run_id: str, errors: Sequence[str], at: datetime) -> None:
        """Notes the launch and its errors; the first call counts."""

    def note_ended(self, run_id: str, how: ProcessOutcome, messages: Sequence[str], at: datetime) -> None:
        """Notes the end and its messages; the first call counts."""

    def note_answer(self, run_id: str, worker: str, at: datetime, spacing: timedelta) -> bool:
        """Appends a worker to those that the process was told the address of; a worker that is there already stays.

        Returns False, and changes nothing, if that of another one was told less than `spacing` ago.
        """

    def answered(self, run_id: str) -> Sequence[str]:
        """Returns the workers that the process was told the addresses of, in this order."""

    def count_chunks(self, run_id: str, stream: EngineStream, chunks: int) -> None:
        """Keeps the largest count of uploaded chunks."""


class SummaryStore(Protocol):
    """Summaries of jobs (table `runs`). Every write is safe to repeat."""

    def put_summary(self, summary: JobSummary) -> None:
        """Stores a treatment's summary, unless there is one of a later attempt."""

    def list_summaries(self, run_id: str) -> Sequence[JobSummary]:
        """Returns the summaries of a run, by treatment."""


class StepReportStore(Protocol):
    """Reports of the steps of treatments (table `runs`). Every write is safe to repeat."""

    def put_steps(self, report: StepReport) -> None:
        """Stores a report, unless there is a newer one of its attempt."""

    def get_steps(self, run_id: str, treatment: str, attempt: int | None = None) -> StepReport | None:
        """Returns the newest report of an attempt of a treatment (None: of the latest that sent one); None if there is
        none.
        """
