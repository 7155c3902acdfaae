"""Carries out the commands that people give on a code host: comments on pull requests, buttons of checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.pipelines.run_request import frozen_again
from cadence.application.repositories.branch_protection import RenewProtection
from cadence.application.repositories.ports import CommitReportStore, HeadStore
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.run_ports import RunStore
from cadence.domain.repositories.commit_report import newest_runs
from cadence.domain.repositories.heads import DeliveryKey, head_delivery, head_name
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, Forbidden, InvalidRequest, NotFound
from cadence.domain.triggers.comment_commands import CheckCommand, CommentCommand, HostCommand
from cadence.domain.triggers.git_events import PullRequest


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What a command led to: the commit that it is about, the runs that it started, and a sentence.

    `approved` is the pull request whose runs are to be started now.
    """

    commit: str = ""
    runs: Sequence[str] = ()
    words: str
    approved: PullRequest | None = None


@dataclass(frozen=True, kw_only=True)
class CarryOutCommand:
    """Carries out commands of people who may write to the repository."""

    open_repository: OpenRepository
    reports: CommitReportStore
    heads: HeadStore
    runs: RunStore
    rerun: Rerun
    start: StartRun
    renew_protection: RenewProtection

    def carry_out(
        self, repository: Repository, command: HostCommand, first_seen: datetime, delivery_id: str
    ) -> CommandOutcome:
        """Carries out a command. Safe to repeat: ids of runs derive from the delivery.

        Raises Transient if the code host or a store may answer later.
        """
        if command.repository.casefold() != repository.name.casefold():
            return CommandOutcome(words=f"The command is about {command.repository}.")
        if isinstance(command, CommentCommand) and not command.exists:
            known = "Known are /cadence rerun, /cadence rerun all and /cadence approve."
            return CommandOutcome(words=f"There is no command /cadence {command.name} {command.argument}. {known}")
        approves = isinstance(command, CommentCommand) and command.approves
        commit = command.commit if isinstance(command, CheckCommand) else ""
        try:
            host = self.open_repository.open(repository)
            if not host.may_write(command.sender, command.sender_id):
                words = f"{command.sender} may not write to the repository, as {'an approval' if approves else 'a rerun'} requires."
                return self._nothing(repository, command, CommandOutcome(commit=commit, words=words))
            if isinstance(command, CommentCommand):
                pull = host.pull_request(command.number)
                commit = pull.commit
                if approves:
                    return self._approve(repository, command, pull, first_seen)
                commit = host.full_commit(commit)
        except (Forbidden, NotFound, InvalidRequest) as error:
            words = f"The code host does not tell who may {'approve' if approves else 'rerun'}. {error.message}"
            return self._nothing(repository, command, CommandOutcome(commit=commit, words=words))
        return self._nothing(repository, command, self._rerun(repository, command, commit, first_seen, delivery_id))

    def _approve(
        self, repository: Repository, command: CommentCommand, pull: PullRequest, first_seen: datetime
    ) -> CommandOutcome:
        """Returns the pull request as approved, unless the comment cannot be about its newest commit."""
        approved, at = None, pull.commit[:12]
        if not repository.requires_approval(pull):
            words = "This pull request waits for no approval."
        elif not pull.commit.startswith(command.argument):
            words = f"{command.sender} approved {command.argument}, but the pull request is at {at} now."
        elif not self._known_before(repository, pull, first_seen):
            words = f"{at} reached Cadence no earlier than the comment. Look at it, and comment again."
        else:
            words, approved = f"{command.sender} approved {at}.", pull
        return CommandOutcome(commit=pull.commit, words=words, approved=approved)

    def _known_before(self, repository: Repository, pull: PullRequest, comment: datetime) -> bool:
        """Whether the commit was known before the comment came, so that its author can have meant it."""
        head = head_name(pull)
        # If it is not known, it is recorded as the reconciler would record it.
        key = DeliveryKey(delivery_id=head_delivery(head), number=0, first_seen=comment)
        return self.heads.identify(repository.repository_id, head, key).key.first_seen < comment

    def _nothing(self, repository: Repository, command: HostCommand, outcome: CommandOutcome) -> CommandOutcome:
        """Returns the outcome. If a check's button started nothing, the checks that it is about are sent again.

        The code host has reset the check when the button was pressed.
        """
        if isinstance(command, CheckCommand) and not outcome.runs:
            found = self.runs.get_runs(self.reports.runs_of(repository.repository_id, command.commit))
            for context, run in newest_runs(found.values()).items():
                if command.run_id in (None, run.run_id):
                    self.reports.send_again(repository.repository_id, command.commit, context)
        return outcome

    def _rerun(
        self, repository: Repository, command: HostCommand, commit: str, first_seen: datetime, delivery_id: str
    ) -> CommandOutcome:
        started: list[str] = []
        refused: list[str] = []
        for run in self._ended(repository, command, commit, first_seen):
            try:
                request = frozen_again(run) if command.in_full else self.rerun.start(run)
                run_id = derived_ulid(first_seen, repository.repository_id, delivery_id, "rerun", run.run_id)
                event = self.renew_protection.event(run)
                started.append(self.start.start(run_id, request, event, self._author(repository, command)).run_id)
            except (Conflict, InvalidRequest, NotFound) as error:
                refused.append(f"{run.pipeline}: {error.message}")
        what = "ended" if command.in_full else "failed"
        words = f"{command.sender} asked for a rerun: {len(started)} runs of {commit[:12]} had {what}."
        return CommandOutcome(commit=commit, runs=started, words=" ".join([words, *refused]))

    def _ended(self, repository: Repository, command: HostCommand, commit: str, before: datetime) -> Sequence[Run]:
        """Returns the newest run of each pipeline that the command is about and that had ended when it came."""
        found = self.runs.get_runs(self.reports.runs_of(repository.repository_id, commit))
        owner = (repository.organization, repository.project)
        newest = newest_runs(
            run
            for run in found.values()
            if (run.organization, run.project) == owner
            and not run.replay_of
            and _concerns(command, run)
            # What an earlier try of this delivery started is none of what the command is about.
            and run.created_at < before
        )
        if isinstance(command, CheckCommand) and command.run_id is not None:
            newest = {context: run for context, run in newest.items() if run.run_id == command.run_id}
        wanted = {RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED}
        if command.in_full:
            wanted.add(RunState.SUCCEEDED)
        return [run for _, run in sorted(newest.items()) if run.state in wanted and run.plan_sha256]

    def _author(self, repository: Repository, command: HostCommand) -> str:
        return f"{repository.kind} {command.sender}"


def _concerns(command: HostCommand, run: Run) -> bool:
    """Whether a run of the commit is one of the pull request that was commented on; buttons are about all."""
    if isinstance(command, CheckCommand):
        return True
    return run.event.get("kind") == "pull_request" and run.event.get("number") == command.number
