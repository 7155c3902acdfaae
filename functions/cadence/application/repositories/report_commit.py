"""Brings what a code host shows about a commit up to date.

A report is made from the runs as they are when it is made, not from the event that led to it. So reports may be joined,
repeated and reordered: the last one states the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.repositories.ports import (
    Checks,
    CodeHost,
    CommitReportStore,
    ReportProgress,
    RepositoryStore,
)
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.runs.ports import SummaryStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.report_ports import CommitReports, ReportRequest
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.application.test_reports.ports import ReportReader
from cadence.domain.repositories.commit_check import checks
from cadence.domain.repositories.commit_report import (
    comment,
    needs_reasons,
    newest_runs,
    pull_request_number,
    statuses,
)
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import CadenceError, NotFound, Transient

LEASE = timedelta(seconds=150)
"""Longer than the Lambda may run, so that no other process takes the lease of one that still works."""
_NEXT_LOOK = timedelta(seconds=10)
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 900.0
_GIVEN_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class ReportCommit:
    """Reports on commits, one process at a time for each."""

    repositories: RepositoryStore
    open_repository: OpenRepository
    reports: CommitReportStore
    runs: RunStore
    treatments: TreatmentStore
    tests: ReportReader
    summaries: SummaryStore
    requests: CommitReports
    clock: Clock

    def report(self, request: ReportRequest) -> int:
        """Sends every status that differs from the one sent last, and the comment; returns how many were sent.

        A refusal is tried again after a growing wait, for three days. Safe to repeat at any point: what was sent but
        not recorded is sent once more, and replaces itself.
        """
        try:
            repository = self.repositories.get_repository(request.repository_id)
        except NotFound:
            return 0  # it was disconnected
        if request.run_id is not None:
            self.reports.add_run(request.repository_id, request.commit, request.run_id)
        now = self.clock()
        owner = new_ulid(now)
        progress = self.reports.take(request.repository_id, request.commit, owner, now + LEASE, now)
        if progress is None:
            self._look_again(request)
            return 0
        if not request.attempt and progress.retry_at is not None and now < progress.retry_at:
            self.reports.release_failed(
                request.repository_id,
                request.commit,
                owner,
                problem=progress.problem,
                since=progress.failing_since or now,
                retry_at=progress.retry_at,
            )
            return 0  # the attempt that is due then reports this, too
        try:
            sent = self._send(repository, request.commit, progress)
        except CadenceError as error:
            self._refused(request, owner, progress, error, now)
            return 0
        if progress.failing_since is not None:
            self.reports.set_problem(request.repository_id, None)
        self.reports.release(request.repository_id, request.commit, owner)
        return sent

    def _look_again(self, request: ReportRequest) -> None:
        """Requests a later report if none is due: the process that holds the lease may have read the runs already.

        Two at this moment may both request one: what the first reports is not sent again by the second.
        """
        holder = self.reports.holder(request.repository_id, request.commit)
        if holder.awaited and not request.deferred:
            return
        later = ReportRequest(
            repository_id=request.repository_id, commit=request.commit, attempt=request.attempt, deferred=True
        )
        self.requests.request(later, _NEXT_LOOK)
        # Afterwards: nobody else requests one from now on.
        self.reports.note_waiting(request.repository_id, request.commit, holder.owner)

    def _refused(
        self, request: ReportRequest, owner: str, progress: ReportProgress, error: CadenceError, now: datetime
    ) -> None:
        since = progress.failing_since or now
        retry_at = None
        if now - since < _GIVEN_UP_AFTER:
            wait = timedelta(seconds=_wait(request.attempt, error))
            again = ReportRequest(
                repository_id=request.repository_id, commit=request.commit, attempt=request.attempt + 1
            )
            self.requests.request(again, wait)
            retry_at = now + wait
        self.reports.set_problem(request.repository_id, error.message)
        self.reports.release_failed(
            request.repository_id, request.commit, owner, problem=error.message, since=since, retry_at=retry_at
        )

    def _send(self, repository: Repository, commit: str, progress: ReportProgress) -> int:
        found = self.runs.get_runs(progress.runs)
        # A run's event may have been given by whoever started it: it counts only within the repository's own project.
        owner = (repository.organization, repository.project)
        newest = newest_runs(
            run for run in found.values() if (run.organization, run.project) == owner and not run.replay_of
        )
        if not newest:
            return 0
        host = self.open_repository.open(repository)
        host_checks = host.checks()
        sent = 0
        if host_checks is not None:
            sent = self._send_checks(host_checks, repository, commit, newest, progress)
        else:
            for status in statuses(newest, repository.public_url):
                if progress.sent.get(status.context) != status.digest:
                    host.set_status(commit, status)
                    self.reports.status_sent(repository.repository_id, commit, status)
                    sent += 1
        return sent + self._comment(host, repository, commit, newest)

    def _send_checks(
        self,
        host_checks: Checks,
        repository: Repository,
        commit: str,
        newest: Mapping[str, Run],
        progress: ReportProgress,
    ) -> int:
        explained = [run.run_id for run in newest.values() if needs_reasons(run)]
        treatments = {run_id: self.treatments.list_treatments(run_id) for run_id in explained}
        tests = {run_id: self.tests.list_reports(run_id) for run_id in explained}
        summaries = self._summaries(newest)
        sent = 0
        for check in checks(newest, treatments, tests, repository.public_url, summaries):
            context = check.status.context
            if progress.sent.get(context) != check.digest:
                made = host_checks.put_check(commit, check, progress.checks.get(context))
                self.reports.check_sent(repository.repository_id, commit, check, made)
                sent += 1
        return sent

    def _comment(self, host: CodeHost, repository: Repository, commit: str, newest: Mapping[str, Run]) -> int:
        """Writes the comment once all runs of the commit have ended.

        There is none while nothing has ever failed; one that exists is kept true.
        """
        ours = {context: run for context, run in newest.items() if run.event.get("kind") == "pull_request"}
        number = pull_request_number(ours)
        if number is None or not all(run.state.final for run in ours.values()):
            return 0
        sent = self.reports.sent_comment(repository.repository_id, number)
        explained = [run for run in ours.values() if needs_reasons(run)]
        if not explained and sent.comment_id is None:
            return 0
        treatments = {run.run_id: self.treatments.list_treatments(run.run_id) for run in explained}
        tests = {run.run_id: self.tests.list_reports(run.run_id) for run in explained}
        made = comment(
            number,
            repository.repository_id,
            commit,
            ours,
            treatments,
            repository.public_url,
            tests,
            self._summaries(ours),
        )
        newest_run = max(run.position for run in ours.values())
        if made.digest == sent.digest or not self.reports.claim_comment(repository.repository_id, number, newest_run):
            return 0
        comment_id = sent.comment_id or host.find_comment(number, made.marker)
        try:
            comment_id = host.put_comment(made, comment_id)
        except NotFound:
            comment_id = host.put_comment(made, None)  # somebody removed it
        self.reports.comment_sent(repository.repository_id, made, comment_id)
        return 1

    def _summaries(self, runs: Mapping[str, Run]) -> Mapping[str, Sequence[JobSummary]]:
        """Returns what the treatments of the ended runs wrote, by the run's id."""
        return {run.run_id: self.summaries.list_summaries(run.run_id) for run in runs.values() if run.state.final}


def _wait(attempt: int, error: CadenceError) -> float:
    """Returns the seconds until the next attempt: twice as many each time, and as many as the code host asks for."""
    asked = error.retry_after if isinstance(error, Transient) else 0.0
    return min(max(_FIRST_WAIT * float(2 ** min(attempt, 10)), asked), _LONGEST_WAIT)
