"""Carries out the commands that people write as comments on pull requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.pipelines.run_request import frozen_again
from cadence.application.repositories.ports import CommitReportStore
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.run_ports import RunStore
from cadence.domain.repositories.commit_report import newest_runs
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, Forbidden, InvalidRequest, NotFound
from cadence.domain.triggers.comment_commands import CommentCommand


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What a command led to: the commit that it is about, the runs that it started, and a sentence."""

    commit: str = ""
    runs: Sequence[str] = ()
    words: str


@dataclass(frozen=True, kw_only=True)
class CarryOutCommand:
    """Carries out commands of people who may write to the repository."""

    open_repository: OpenRepository
    reports: CommitReportStore
    runs: RunStore
    rerun: Rerun
    start: StartRun

    def carry_out(
        self, repository: Repository, command: CommentCommand, first_seen: datetime, delivery_id: str
    ) -> CommandOutcome:
        """Carries out a command. Safe to repeat: ids of runs derive from the delivery.

        Raises Transient if the code host or a store may answer later.
        """
        if command.repository.casefold() != repository.name.casefold():
            return CommandOutcome(words=f"The comment is on a pull request of {command.repository}.")
        if command.name != "rerun" or command.argument not in ("", "all", "failed"):
            known = "Known are /cadence rerun and /cadence rerun all."
            return CommandOutcome(words=f"There is no command /cadence {command.name} {command.argument}. {known}")
        host = self.open_repository.open(repository)
        try:
            if not host.may_write(command.sender, command.sender_id):
                return CommandOutcome(words=f"{command.sender} may not write to the repository, as a rerun requires.")
            commit = host.pull_request(command.number).commit
        except (Forbidden, NotFound, InvalidRequest) as error:
            return CommandOutcome(words=f"The code host does not tell who may rerun. {error.message}")
        return self._rerun(repository, command, commit, first_seen, delivery_id)

    def _rerun(
        self, repository: Repository, command: CommentCommand, commit: str, first_seen: datetime, delivery_id: str
    ) -> CommandOutcome:
        started: list[str] = []
        refused: list[str] = []
        for run in self._ended(repository, command, commit, first_seen):
            try:
                request = frozen_again(run) if command.argument == "all" else self.rerun.start(run)
                run_id = derived_ulid(first_seen, repository.repository_id, delivery_id, "rerun", run.run_id)
                started.append(self.start.start(run_id, request, run.event, self._author(repository, command)).run_id)
            except (Conflict, InvalidRequest, NotFound) as error:
                refused.append(f"{run.pipeline}: {error.message}")
        what = "ended" if command.argument == "all" else "failed"
        words = f"{command.sender} asked for a rerun: {len(started)} runs of {commit[:12]} had {what}."
        return CommandOutcome(commit=commit, runs=started, words=" ".join([words, *refused]))

    def _ended(self, repository: Repository, command: CommentCommand, commit: str, before: datetime) -> Sequence[Run]:
        """Returns the newest run of each pipeline that had ended when the comment came."""
        found = self.runs.get_runs(self.reports.runs_of(repository.repository_id, commit))
        owner = (repository.organization, repository.project)
        newest = newest_runs(
            run
            for run in found.values()
            if (run.organization, run.project) == owner
            and not run.replay_of
            and run.event.get("kind") == "pull_request"
            and run.event.get("number") == command.number
            # What an earlier try of this delivery started is none of what the comment is about.
            and run.created_at < before
        )
        wanted = {RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED}
        if command.argument == "all":
            wanted.add(RunState.SUCCEEDED)
        return [run for _, run in sorted(newest.items()) if run.state in wanted and run.plan_sha256]

    def _author(self, repository: Repository, command: CommentCommand) -> str:
        return f"{repository.kind} {command.sender}"
