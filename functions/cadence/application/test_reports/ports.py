"""Ports over reports of tests: what reads them, where results are kept, and who asks for their reading."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.domain.test_reports.case import ReportedCase
from cadence.domain.test_reports.durations import MeasuredInstance
from cadence.domain.test_reports.report import BranchResult, FlakyCase, TreatmentReport


class ReadingRequests(Protocol):
    """Requests that the reports of ended treatments are read."""

    def request(self, run_id: str, treatment: str) -> None:
        """Requests the reading, which takes place at least once."""


@dataclass(frozen=True, kw_only=True)
class ParsedReports:
    """The tests in the files of a report, in their order. `problem` says what could not be read; None if all was."""

    cases: Sequence[ReportedCase] = ()
    problem: str | None = None


class ReportParser(Protocol):
    """Reads the files of a report, which may contain anything."""

    def parse(self, content: bytes, *, archive: bool) -> ParsedReports:
        """Returns the tests in one file, or in the files of a tar archive. Never raises for the content."""


@dataclass(frozen=True, kw_only=True)
class PipelineScope:
    """A pipeline of a project, whose results are compared with each other."""

    organization: str
    project: str
    pipeline: str


@dataclass(frozen=True, kw_only=True)
class BranchScope:
    """A branch of a repository; both are empty for runs that no event of a git host started."""

    repository: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class ReportedAttempt:
    """An attempt whose results are kept."""

    run_id: str
    treatment: str
    attempt: int


class ReportReader(Protocol):
    """Reads the reports of runs, without their tests."""

    def list_reports(self, run_id: str) -> Sequence[TreatmentReport]:
        """Returns the reports of a run, by treatment."""


class CaseResultStore(ReportReader, Protocol):
    """Results of tests (tables and data bucket). Every write is safe to repeat."""

    def put_cases(self, of: ReportedAttempt, cases: Sequence[ReportedCase]) -> None:
        """Stores the tests of an attempt."""

    def get_cases(self, of: ReportedAttempt) -> Sequence[ReportedCase]:
        """Returns the tests of an attempt. Raises NotFound if they are not kept (any more)."""

    def put_report(self, report: TreatmentReport) -> None:
        """Stores or replaces the report of a treatment."""

    def get_reports(self, treatments: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentReport]:
        """Returns those of the reports that exist, by run and treatment."""

    def add_work(self, digest: str, attempt: ReportedAttempt, at: datetime) -> None:
        """Records that an attempt did the work with this digest. Kept for 90 days."""

    def same_work(self, digest: str, limit: int) -> Sequence[ReportedAttempt]:
        """Returns the newest attempts that did the work with this digest."""

    def put_branch_result(self, pipeline: PipelineScope, branch: BranchScope, result: BranchResult) -> None:
        """Stores the results of a branch, unless there are newer ones. Kept for 90 days."""

    def branch_results(
        self, pipeline: PipelineScope, branch: BranchScope, treatment: str | None = None
    ) -> Sequence[BranchResult]:
        """Returns the newest results of a branch: of all treatments, by name, or of one."""

    def put_flaky(self, pipeline: PipelineScope, cases: Iterable[FlakyCase]) -> None:
        """Records flaky tests of a pipeline. Kept for 90 days after they were seen last."""

    def flaky(self, pipeline: PipelineScope) -> Sequence[FlakyCase]:
        """Returns the flaky tests of a pipeline (at most 1,000)."""


class DurationWriter(Protocol):
    """Stores the durations of tests."""

    def put_durations(
        self, pipeline: PipelineScope, branch: BranchScope, measured: MeasuredInstance, at: datetime
    ) -> None:
        """Stores the durations that an instance of a branch measured, unless there are newer ones.

        Kept for 90 days. Safe to repeat.
        """


class DurationStore(Protocol):
    """Durations of tests, and those by which a run divides its suites."""

    def branch_durations(self, pipeline: PipelineScope, branch: BranchScope, group: str) -> Sequence[MeasuredInstance]:
        """Returns the newest durations of each instance of a group on a branch."""

    def newest_durations(self, pipeline: PipelineScope, repository: str, group: str) -> Sequence[MeasuredInstance]:
        """Returns the newest durations of each instance of a group on any branch of a repository."""

    def run_durations(self, run_id: str, group: str) -> Mapping[str, float] | None:
        """Returns the durations that are fixed for a group of a run; None if none are yet."""

    def fix_run_durations(self, run_id: str, group: str, durations: Mapping[str, float]) -> Mapping[str, float]:
        """Fixes the durations for a group of a run, and returns those that hold: the ones that were fixed first."""
