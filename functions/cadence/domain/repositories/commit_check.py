"""What a code host with checks shows about a run: its state, why it failed, and annotations on the lines concerned."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.domain.repositories.commit_report import (
    CommitState,
    CommitStatus,
    code,
    failed_tests,
    reasons,
    statuses,
)
from cadence.domain.repositories.located_findings import read_located
from cadence.domain.runs.job_summary import JobSummary, listed
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState
from cadence.domain.test_reports.report import CaseName, TreatmentReport

MOST_ANNOTATIONS = 50
"""As many as GitHub takes in one call."""
_LONGEST_SUMMARY = 60_000
# Absolute paths, those of Windows, and those that leave the repository are no files of it.
_NO_FILE = re.compile(r"^(?:[/\\]|[A-Za-z]:)|(?:^|/)\.\.(?:/|$)")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A note on a line of a file of the repository. `failure` is false for what is only a warning."""

    path: str
    line: int
    title: str
    message: str
    column: int | None = None
    failure: bool = True


@dataclass(frozen=True, kw_only=True)
class CommitCheck:
    """A check of a commit. `status` has its name, state and sentence; `summary` and `text` are Markdown.

    `text` has what the run's treatments wrote into their summaries.
    """

    run_id: str
    status: CommitStatus
    timed_out: bool
    summary: str
    started_at: datetime | None
    completed_at: datetime | None
    annotations: Sequence[Annotation] = ()
    text: str = ""

    @property
    def final(self) -> bool:
        """Whether the state is the last one of the run."""
        return self.status.state not in (CommitState.PENDING, CommitState.RUNNING)

    @property
    def failed(self) -> bool:
        """Whether a rerun of what failed is possible."""
        return self.status.state in (CommitState.FAILURE, CommitState.CANCELLED)

    @property
    def digest(self) -> str:
        """The SHA-256 of the check, by which one that was sent already is recognised."""
        content = [
            self.run_id,
            self.status.digest,
            self.summary,
            str(self.started_at),
            self.annotations_digest,
            self.text,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def annotations_digest(self) -> str:
        """The SHA-256 of the annotations; empty if there are none."""
        if not self.annotations:
            return ""
        rows = [[one.path, one.line, one.column, one.title, one.message, one.failure] for one in self.annotations]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SentCheck:
    """A check as it was sent last: the code host's id of it, its run, and the digest of its annotations."""

    check_id: str
    run_id: str
    annotations: str = ""


def checks(
    runs: Mapping[str, Run],
    treatments: Mapping[str, Sequence[Treatment]],
    tests: Mapping[str, Sequence[TreatmentReport]],
    public_url: str,
    summaries: Mapping[str, Sequence[JobSummary]] | None = None,
) -> Sequence[CommitCheck]:
    """Returns the check of each context. `treatments` and `tests` are those of the runs to explain, by run id.

    `summaries` are what the treatments of ended runs wrote.
    """
    found = []
    for status in statuses(runs, public_url):
        run = runs[status.context]
        reports = tests.get(run.run_id, ())
        failed = run.state in (RunState.FAILED, RunState.TIMED_OUT)
        annotations = list(_annotations(run, reports)) if failed else []
        lines = [status.description]
        if failed or run.soft_failures:
            lines += ["", *reasons(run, treatments.get(run.run_id, ())), *failed_tests(reports)]
        if len(annotations) > MOST_ANNOTATIONS:
            lines += ["", f"{len(annotations) - MOST_ANNOTATIONS} more places are left out."]
        found.append(
            CommitCheck(
                run_id=run.run_id,
                status=status,
                timed_out=run.state == RunState.TIMED_OUT,
                summary="\n".join(lines)[:_LONGEST_SUMMARY],
                started_at=run.started_at,
                completed_at=run.finished_at if run.state.final else None,
                annotations=tuple(annotations[:MOST_ANNOTATIONS]),
                text="\n".join(listed((summaries or {}).get(run.run_id, ()), _LONGEST_SUMMARY)).strip(),
            )
        )
    return found


def _annotations(run: Run, reports: Sequence[TreatmentReport]) -> Iterator[Annotation]:
    """Yields the findings of the pipeline's file, then the tests whose reports say where they are."""
    for finding in read_located(run.cause or ""):
        yield Annotation(
            path=finding.path,
            line=finding.line,
            column=finding.column,
            title="The pipeline is not valid",
            message=finding.message,
        )
    for report in reports:
        yield from _tests(report, report.new_failures, "New failure", failure=True)
        known = "Failed before, too" if report.base_run else "Failed test"
        yield from _tests(report, report.other_failures, known, failure=True)
        yield from _tests(report, report.flaky_failures, "Flaky test", failure=False)


def _tests(report: TreatmentReport, cases: Sequence[CaseName], title: str, *, failure: bool) -> Iterator[Annotation]:
    for case in cases:
        if case.file and not _NO_FILE.search(case.file):
            yield Annotation(
                path=case.file.removeprefix("./"),
                line=max(case.line or 1, 1),
                title=title,
                message=f"{code(case.name)} failed in {report.treatment}.",
                failure=failure,
            )
