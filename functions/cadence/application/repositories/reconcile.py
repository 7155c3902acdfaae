"""Starts what lost webhooks should have started: compares the heads of repositories with those that are known."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.repositories.ports import (
    CodeHost,
    CommitReportStore,
    HeadStore,
    RepositoryLook,
    RepositoryStore,
)
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.shared.ports import Clock
from cadence.application.shared.report_ports import CommitReports, ReportRequest
from cadence.application.triggers.ports import Delivery, DeliveryQueue
from cadence.domain.repositories.heads import HEAD_EVENT, NEVER, encode_event, head_delivery, head_name
from cadence.domain.repositories.repository import Repository
from cadence.domain.shared.errors import CadenceError, Forbidden, InvalidRequest, NotFound, Transient
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push

_log = logging.getLogger("cadence.reconcile")

_LEAST_SECONDS = 60.0
"""Seconds that a look at one repository may take."""
_REFUSED_WAIT = timedelta(hours=1)
_LEAST_WAIT = timedelta(minutes=5)
_UNDER_WAY = timedelta(minutes=1)
"""How long before a look a webhook may have been sent whose failure the code host recorded after it."""
_FORGOTTEN_AFTER = timedelta(days=60)
"""After that long without a look, heads may no longer be known: those that are there count as known."""
_LONGEST_TEXT = 1_000


@dataclass(frozen=True, kw_only=True)
class RecordHeads:
    """Records the heads that a repository has, so that nothing is started for them."""

    heads: HeadStore
    clock: Clock

    def record(self, repository_id: str, host: CodeHost) -> None:
        """Records branches and pull requests, and a look. Raises like `CodeHost`."""
        now = self.clock()
        events: list[GitEvent] = [*_pushes(host), *host.open_pull_requests()]
        self.heads.add_known(repository_id, map(head_name, events), now)
        self.heads.note_look(RepositoryLook(repository_id=repository_id, looked_at=now))

    def record_if_reached(self, repository_id: str, host: CodeHost) -> None:
        """Records them unless the code host fails now: then the reconciler does at its first look."""
        try:
            self.record(repository_id, host)
        except CadenceError:
            self.heads.note_look(RepositoryLook(repository_id=repository_id))


@dataclass(frozen=True, kw_only=True)
class ReconcileCounts:
    """What the reconciler did.

    Repositories that it looked at or that refused it, missing heads that it sent, and failed webhooks that it had the
    code hosts send again.
    """

    looked: int = 0
    refused: int = 0
    started: int = 0
    redelivered: int = 0


@dataclass(frozen=True, kw_only=True)
class ReconcileRepositories:
    """Looks at all repositories, the one first that was looked at longest ago."""

    repositories: RepositoryStore
    open_repository: OpenRepository
    heads: HeadStore
    record_heads: RecordHeads
    deliveries: DeliveryQueue
    report_store: CommitReportStore
    reports: CommitReports
    clock: Clock

    def reconcile(self, seconds_left: Callable[[], float]) -> ReconcileCounts:
        """Looks at as many repositories as there is time for. Safe to repeat, also at the same time."""
        looked = refused = started = redelivered = 0
        paused: dict[str, datetime] = {}
        webhooks: set[str] = set()
        looks = sorted(self.heads.list_looks(), key=lambda look: look.looked_at.timestamp() if look.looked_at else 0.0)
        for look in looks:
            if seconds_left() < _LEAST_SECONDS:
                break
            try:
                repository = self.repositories.get_repository(look.repository_id)
            except NotFound:
                self.heads.forget(look.repository_id)  # it was disconnected
                continue
            now = self.clock()
            due = max(filter(None, (look.retry_at, paused.get(repository.origin))), default=now)
            if due > now:
                continue
            try:
                started += self._look(repository, look, now)
                # Once the look is noted: the next one asks only for what failed since.
                redelivered += self._redeliver(repository, look, webhooks)
                looked += 1
            except Exception as error:  # noqa: BLE001 - what one code host answers must not stop the others
                if not isinstance(error, CadenceError):
                    _log.error(
                        "a repository could not be looked at",
                        extra={"repository": repository.repository_id, "error": type(error).__name__},
                    )
                refused += 1
                wait = _wait(error)
                if isinstance(error, Transient):
                    # What limits the rate of calls limits those for all its repositories.
                    paused[repository.origin] = now + wait
                self.heads.note_look(
                    RepositoryLook(
                        repository_id=repository.repository_id, looked_at=look.looked_at, retry_at=now + wait
                    )
                )
        return ReconcileCounts(looked=looked, refused=refused, started=started, redelivered=redelivered)

    def _redeliver(self, repository: Repository, look: RepositoryLook, webhooks: set[str]) -> int:
        """Has webhooks sent again that failed since the last look; `webhooks` are those of which that is done.

        A token without the right to leaves that to the heads; the doctor states what it lacks.
        """
        webhook = repository.app_id or repository.repository_id
        if look.looked_at is None or webhook in webhooks:
            return 0
        webhooks.add(webhook)
        try:
            return self.open_repository.redeliver_failed(repository, look.looked_at - _UNDER_WAY)
        except (Forbidden, InvalidRequest, NotFound):
            return 0

    def _look(self, repository: Repository, look: RepositoryLook, now: datetime) -> int:
        host = self.open_repository.open(repository)
        if look.looked_at is None or now - look.looked_at > _FORGOTTEN_AFTER:
            self.record_heads.record(repository.repository_id, host)
            return 0
        heads: list[Push | PullRequest] = [*_pushes(host, repository), *host.open_pull_requests()]
        events = {head_name(event): event for event in heads}
        known = self.heads.known(repository.repository_id, events)
        missing = [head for head in events if head not in known or known[head].missing(now)]
        for head in missing:
            event = events[head]
            if isinstance(event, Push):
                event = _described(event, host)
            self.deliveries.put(
                Delivery(
                    githost_id=repository.repository_id,
                    delivery_id=head_delivery(head),
                    event=HEAD_EVENT,
                    content_type="application/json",
                    body=encode_event(event),
                )
            )
        if self.report_store.problem(repository.repository_id) is not None:
            for commit in sorted({event.commit for event in events.values()}):
                self.reports.request(ReportRequest(repository_id=repository.repository_id, commit=commit))
        self.heads.note_look(RepositoryLook(repository_id=repository.repository_id, looked_at=now))
        return len(missing)


def _pushes(host: CodeHost, repository: Repository | None = None) -> list[Push]:
    """Returns a push for each branch. Without the repository they only name the heads."""
    name, url = (repository.name, repository.clone_url) if repository else ("", "")
    default = repository.default_branch if repository else ""
    return [
        Push(
            repository=name,
            repository_url=url,
            ref=f"refs/heads/{branch}",
            commit=commit,
            # The commits before it are unknown, so that a trigger's paths are compared with the default branch.
            before=NEVER,
            default_branch=default,
        )
        for branch, commit in host.branches().items()
    ]


def _described(push: Push, host: CodeHost) -> Push:
    """Returns the push with the message of its commit, which may say that nothing is to be started."""
    commit = host.describe_commit(push.commit)
    return replace(push, author=commit.author[:_LONGEST_TEXT], message=commit.message[:_LONGEST_TEXT])


def _wait(error: Exception) -> timedelta:
    """Returns how long a repository is left alone: as long as the code host asks for, an hour after a refusal."""
    if isinstance(error, Transient):
        return max(timedelta(seconds=error.retry_after), _LEAST_WAIT)
    return _REFUSED_WAIT
