"""Turns a webhook of a connected repository into the runs of its own pipelines."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cadence.application.access.ports import SeenStore
from cadence.application.melodium.run_pushed import (
    PROGRAM_FILE,
    PROGRAM_FOLDER,
    PushedProgram,
    RunPushed,
    is_push_to_branch,
)
from cadence.application.repositories.branch_protection import protection_of
from cadence.application.repositories.comment_commands import CarryOutCommand, CommandOutcome
from cadence.application.repositories.commit_files import CommitFiles
from cadence.application.repositories.commit_source import StoreCommitFiles
from cadence.application.repositories.data_center_events import with_addresses, with_message
from cadence.application.repositories.ports import HeadStore, RepositoryDelivery, RepositoryStore
from cadence.application.repositories.pushed_pipelines import FOLDER, PushedPipelines
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.repositories.whole_commits import with_whole_commits
from cadence.application.shared.git_ports import FolderReader, GitCredentials, GitReader, TagReader
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.report_ports import CommitReports, ReportRequest
from cadence.application.triggers.changed_paths import ChangedPaths
from cadence.application.triggers.ports import Delivery
from cadence.application.triggers.process_delivery import Undeliverable
from cadence.application.triggers.release_commit import with_commit
from cadence.domain.repositories.heads import HEAD_EVENT, DeliveryKey, KnownHead, decode_event, head_name
from cadence.domain.repositories.repository import ForkPolicy, Repository
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, TooLarge
from cadence.domain.triggers.comment_commands import CheckCommand
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push, Release
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.githosts.payload import read_payload

_KEPT = timedelta(days=30)
_SHARED = "Its runs are those of an earlier delivery of this head."
_SKIP = re.compile(r"\[(?:skip ci|ci skip|no ci|skip cadence|cadence skip)\]", re.IGNORECASE)


@dataclass(frozen=True)
class EventOutcome:
    """The runs that an event started, a sentence about it, and its commit; empty if that is not known."""

    runs: Sequence[str]
    words: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class ProcessRepositoryDelivery:
    """Processes webhooks of connected repositories."""

    repositories: RepositoryStore
    open_repository: OpenRepository
    seen: SeenStore
    heads: HeadStore
    git: GitReader
    tags: TagReader
    folders: FolderReader
    sources: StoreCommitFiles
    pipelines: PushedPipelines
    programs: RunPushed
    reports: CommitReports
    commands: CarryOutCommand
    clock: Clock

    def process(self, delivery: Delivery) -> Sequence[str]:
        """Returns the ids of the started runs; none if the delivery was processed before.

        Safe to repeat at any point: run ids derive from the delivery, which is marked as done last, or from the earlier
        one that brought the same head. Raises Transient if the repository cannot be read now, Undeliverable if
        repeating would change nothing.
        """
        repository, events = self._read(delivery)
        key = f"DELIVERY#{delivery.githost_id}#{delivery.delivery_id}"
        earlier = self.seen.first_seen(key, delivery.event, self.clock(), _KEPT)
        reconciled = delivery.event == HEAD_EVENT
        if earlier.done and not reconciled:
            return ()
        started: list[str] = self._command(repository, delivery, earlier.first_seen)
        for number, event in enumerate(events):
            head = head_name(event)
            own = DeliveryKey(delivery_id=delivery.delivery_id, number=number, first_seen=earlier.first_seen)
            concerns = event.is_head and repository.is_source_of(event)
            known = (
                self.heads.identify(repository.repository_id, head, own) if concerns else KnownHead(key=own, done=False)
            )
            if reconciled and (known.done or (known.key != own and not known.missing(self.clock()))):
                continue  # a webhook brought it after all
            outcome = self._process_event(repository, event, known.key)
            for run_id in outcome.runs:
                self.reports.request(
                    ReportRequest(repository_id=repository.repository_id, commit=outcome.commit, run_id=run_id)
                )
            record = RepositoryDelivery(
                delivery_id=f"{delivery.delivery_id}#{number}" if number else delivery.delivery_id,
                received_at=earlier.first_seen,
                event=event.words,
                ref=event.ref,
                commit=outcome.commit,
                outcome=outcome.words if known.key == own else f"{outcome.words} {_SHARED}",
                runs=tuple(outcome.runs),
            )
            self.repositories.add_delivery(repository.repository_id, record)
            if concerns:
                self.heads.mark_done(repository.repository_id, head)
            started += outcome.runs
        self.seen.mark_done(key)
        return started

    def _command(self, repository: Repository, delivery: Delivery, first_seen: datetime) -> list[str]:
        """Carries out the command in a comment or of a check's button; returns the ids of the runs that it started."""
        format_ = FORMATS[repository.kind]
        if delivery.event not in format_.commands:
            return []
        command = format_.command(read_payload(delivery.body, delivery.content_type))
        if command is None:
            return []
        outcome = self.commands.carry_out(repository, command, first_seen, delivery.delivery_id)
        if outcome.approved is not None:
            outcome = self._start_approved(repository, outcome, outcome.approved)
        # A check that the button has reset is sent again if nothing was started.
        for run_id in outcome.runs or ((None,) if outcome.commit and isinstance(command, CheckCommand) else ()):
            self.reports.request(
                ReportRequest(repository_id=repository.repository_id, commit=outcome.commit, run_id=run_id)
            )
        record = RepositoryDelivery(
            delivery_id=delivery.delivery_id,
            received_at=first_seen,
            event=command.origin,
            ref="",
            commit=outcome.commit,
            outcome=outcome.words,
            runs=tuple(outcome.runs),
        )
        self.repositories.add_delivery(repository.repository_id, record)
        return list(outcome.runs)

    def _start_approved(self, repository: Repository, outcome: CommandOutcome, pull: PullRequest) -> CommandOutcome:
        """Starts the runs of an approved pull request: once for each of its commits, however often it is approved."""
        approval = f"approval/{head_name(pull)}"
        seen = self.seen.first_seen(f"DELIVERY#{repository.repository_id}#{approval}", approval, self.clock(), _KEPT)
        key = DeliveryKey(delivery_id=approval, number=0, first_seen=seen.first_seen)
        started = self._process_event(repository, pull, key, approved=True)
        words = f"{outcome.words} {started.words}"
        return replace(outcome, runs=started.runs, words=words, commit=started.commit)

    def _read(self, delivery: Delivery) -> tuple[Repository, Sequence[GitEvent]]:
        try:
            repository = self.repositories.get_repository(delivery.githost_id)
            if delivery.event == HEAD_EVENT:
                return repository, (decode_event(delivery.body),)
            payload = read_payload(delivery.body, delivery.content_type)
            if delivery.event in FORMATS[repository.kind].commands:
                return repository, ()
            events = FORMATS[repository.kind].read(delivery.event, payload)
            return repository, [with_addresses(event, repository) for event in events]
        except (NotFound, InvalidRequest) as error:
            raise Undeliverable(error.message) from error

    def _process_event(
        self, repository: Repository, event: GitEvent, key: DeliveryKey, *, approved: bool = False
    ) -> EventOutcome:
        reason = _starts_nothing(repository, event, approved=approved)
        if reason:
            return EventOutcome((), reason, event.commit)
        try:
            credentials = self.open_repository.credentials(repository)
            event = with_commit(event, self.tags, repository.clone_url, credentials)
            event = with_whole_commits(event, partial(self.open_repository.open, repository))
            event = with_message(event, repository, partial(self.open_repository.open, repository))
            if reason := _skipped(event):
                return EventOutcome((), reason, event.commit)
            commit = self._pipelines_commit(repository, event)
            asked = (PROGRAM_FILE,) if is_push_to_branch(event) else ()
            folder, program = self.folders.read_folder(repository.clone_url, commit, FOLDER, credentials, asked)
            files = self.pipelines.files(folder)
            others = CommitFiles(folders=self.folders, url=repository.clone_url, commit=commit, credentials=credentials)
        except (NotFound, InvalidRequest, TooLarge, Forbidden) as error:
            return EventOutcome((), f"The commit's pipelines cannot be read. {error.message}", event.commit)
        if not files and not program:
            return EventOutcome((), f"The commit has no pipeline in {FOLDER}.", event.commit)
        runs = self._start_files(repository, event, files, others, credentials, key)
        words = f"{len(files)} pipeline{'' if len(files) == 1 else 's'} in {FOLDER}, {len(runs)} triggered."
        if program:
            started = self._start_program(repository, event, credentials, key)
            runs += started
            words += f" The program in {PROGRAM_FOLDER} was started." if started else ""
        return EventOutcome(runs, words, event.commit)

    def _pipelines_commit(self, repository: Repository, event: GitEvent) -> str:
        """Returns the commit whose pipelines run: of a fork's pull request, that of the branch it is to be merged into.

        Raises NotFound if that branch is gone.
        """
        if not isinstance(event, PullRequest) or not event.fork:
            return event.commit
        if event.base_commit:
            return event.base_commit
        branches = self.open_repository.open(repository).branches()
        if event.base_branch not in branches:
            raise NotFound(f"There is no branch {event.base_branch!r} to read the pipelines from.")
        return branches[event.base_branch]

    def _start_program(
        self, repository: Repository, event: GitEvent, credentials: GitCredentials, key: DeliveryKey
    ) -> list[str]:
        pushed = PushedProgram(
            organization=repository.organization,
            project=repository.project,
            url=repository.clone_url,
            commit=event.commit,
            credentials=credentials,
            payload={**event.event(), "repository_id": repository.repository_id},
            created_by=f"{repository.kind} {repository.name}",
        )
        # No file in the other folder has this name.
        parts = (repository.repository_id, key.delivery_id, str(key.number), PROGRAM_FILE)
        run = self.programs.run(derived_ulid(key.first_seen, *parts), pushed)
        return [run.run_id] if run else []

    def _start_files(
        self,
        repository: Repository,
        event: GitEvent,
        files: Mapping[str, bytes],
        others: CommitFiles,
        credentials: GitCredentials,
        key: DeliveryKey,
    ) -> list[str]:
        changed = ChangedPaths(git=self.git, event=event, credentials=credentials, clone_url=repository.clone_url)
        source = self.sources.of_event(repository, event, credentials)
        payload: Mapping[str, Any] = {**event.event(), "repository_id": repository.repository_id}
        protection = protection_of(self.open_repository, repository)
        runs: list[str] = []
        parts = (repository.repository_id, key.delivery_id, str(key.number))
        for file in files.items():
            run_id = derived_ulid(key.first_seen, *parts, file[0])
            run = self.pipelines.start_file(
                run_id, repository, file, event, changed, payload, source, protection, others.read
            )
            if run is not None:
                runs.append(run.run_id)
        return runs


def _starts_nothing(repository: Repository, event: GitEvent, *, approved: bool) -> str | None:
    """Returns the reason why an event starts nothing whatever the repository contains; None if there is none."""
    if not repository.is_source_of(event):
        name = event.base_repository if isinstance(event, PullRequest) else event.repository
        return f"The event is about {name}, not about {repository.name}."
    if isinstance(event, Push):
        if event.deleted:
            return f"{event.ref} was deleted."
        return _skipped(event)
    if isinstance(event, Release):
        return None
    if event.fork and repository.forks == ForkPolicy.NOTHING:
        return "Pull requests from forks start nothing here."
    if not repository.requires_approval(event):
        return None
    if not event.is_head:
        return "It is from a fork, of which only approved commits start pipelines here."
    if not approved:
        first = " of an author who has not contributed before" if repository.forks == ForkPolicy.FIRST_TIME else ""
        return f"It is from a fork{first}, and waits for /cadence approve by a user who may write to the repository."
    return None


def _skipped(event: GitEvent) -> str | None:
    """Returns the reason why a push asks to start nothing; None if it does not."""
    marker = _SKIP.search(event.message) if isinstance(event, Push) else None
    return f"The commit's message contains {marker[0]}." if marker else None
