"""Ports over connected repositories, their code hosts, and what was reported to these."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.repositories.commit_check import CommitCheck, SentCheck
from cadence.domain.repositories.commit_report import CommitStatus, PullRequestComment
from cadence.domain.repositories.heads import DeliveryKey, KnownHead
from cadence.domain.repositories.repository import Repository, RepositoryAddress
from cadence.domain.triggers.git_events import PullRequest


@dataclass(frozen=True, kw_only=True)
class RepositorySecrets:
    """The secrets of a repository, encrypted."""

    webhook: bytes = field(repr=False)
    token: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class RepositoryDelivery:
    """A webhook of a repository, with the runs that it started or the reason why it started none."""

    delivery_id: str
    received_at: datetime
    event: str
    ref: str
    commit: str
    outcome: str
    runs: Sequence[str] = ()


class RepositoryStore(Protocol):
    """Connected repositories."""

    def add_repository(self, repository: Repository, secrets: RepositorySecrets) -> None:
        """Stores a repository. Raises Conflict if the project has it already."""

    def get_repository(self, repository_id: str) -> Repository:
        """Returns a repository. Raises NotFound."""

    def repository_secrets(self, repository_id: str) -> RepositorySecrets:
        """Returns the encrypted secrets. Raises NotFound."""

    def find_repository(self, organization: str, project: str, url: str) -> Repository | None:
        """Returns the project's repository with an address (`https://github.com/acme/site`, in any case)."""

    def list_repositories(self, organization: str) -> Sequence[Repository]:
        """Returns the organization's repositories, by project and name."""

    def replace_repository(self, repository: Repository, secrets: RepositorySecrets) -> None:
        """Stores a changed repository and its secrets. Raises NotFound if it is gone."""

    def remove_repository(self, repository: Repository) -> None:
        """Removes a repository. It is no error if it is gone."""

    def add_delivery(self, repository_id: str, delivery: RepositoryDelivery) -> None:
        """Records a delivery; the same one again replaces its record."""

    def list_deliveries(self, repository_id: str, limit: int) -> Sequence[RepositoryDelivery]:
        """Returns the newest deliveries of the last 30 days, newest first."""


@dataclass(frozen=True, kw_only=True)
class ReportProgress:
    """What was reported about a commit so far, and what hinders it.

    `runs` are the ids of the commit's runs, `sent` the digests of the statuses that were sent, by context, and `checks`
    those of them that are checks.
    """

    runs: Sequence[str] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, SentCheck] = field(default_factory=dict)
    problem: str = ""
    retry_at: datetime | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SentComment:
    """The comment on a pull request as it was sent last. `newest_run` is the newest run that it was about."""

    comment_id: str | None = None
    digest: str = ""
    newest_run: str = ""


@dataclass(frozen=True)
class LeaseHolder:
    """Who has the lease on reporting about a commit (empty: nobody), and whether a further report is due after it."""

    owner: str = ""
    awaited: bool = False


class CommitReportStore(Protocol):
    """Reports on commits. All items are kept for 90 days."""

    def add_run(self, repository_id: str, commit: str, run_id: str) -> None:
        """Records that a run is one of the commit. May be repeated."""

    def runs_of(self, repository_id: str, commit: str) -> Sequence[str]:
        """Returns the ids of the runs of the commit."""

    def take(
        self, repository_id: str, commit: str, owner: str, until: datetime, now: datetime
    ) -> ReportProgress | None:
        """Takes the lease on reporting about a commit; None if another owner has it."""

    def holder(self, repository_id: str, commit: str) -> LeaseHolder:
        """Returns who has the lease now."""

    def note_waiting(self, repository_id: str, commit: str, owner: str) -> None:
        """Notes, until the lease is taken again, that a further report was requested; nothing if `owner` has lost it.

        So the note never outlasts the request: what was requested before it has not taken the lease yet.
        """

    def release(self, repository_id: str, commit: str, owner: str) -> None:
        """Gives the lease up after a report that was complete."""

    def release_failed(
        self, repository_id: str, commit: str, owner: str, *, problem: str, since: datetime, retry_at: datetime | None
    ) -> None:
        """Gives the lease up after a refusal; `retry_at` is None if the report is given up."""

    def status_sent(self, repository_id: str, commit: str, status: CommitStatus) -> None:
        """Records that a status was sent."""

    def check_sent(self, repository_id: str, commit: str, check: CommitCheck, sent: SentCheck) -> None:
        """Records that a check was sent."""

    def send_again(self, repository_id: str, commit: str, context: str) -> None:
        """Has the status or check of a context be sent again by the next report, even if it has not changed."""

    def sent_comment(self, repository_id: str, number: int) -> SentComment:
        """Returns the comment on a pull request as it was sent last."""

    def claim_comment(self, repository_id: str, number: int, newest_run: str) -> bool:
        """Records the newest run that a comment is about. Returns False if it was about a newer one already."""

    def comment_sent(self, repository_id: str, comment: PullRequestComment, comment_id: str) -> None:
        """Records that a comment was sent."""

    def problem(self, repository_id: str) -> str | None:
        """Returns why the last report of the repository was refused; None if it was accepted."""

    def set_problem(self, repository_id: str, problem: str | None) -> None:
        """Records why the last report of the repository was refused."""


@dataclass(frozen=True, kw_only=True)
class HostedRepository:
    """A repository according to its code host."""

    name: str
    url: str
    clone_url: str
    default_branch: str
    may_administer: bool


@dataclass(frozen=True, kw_only=True)
class HostedWebhook:
    """A webhook according to its code host."""

    webhook_id: str
    url: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class HostedCommit:
    """A commit according to its code host."""

    message: str
    author: str


class Checks(Protocol):
    """Checks of commits: statuses with a text, annotations and buttons."""

    def put_check(self, commit: str, check: CommitCheck, sent: SentCheck | None) -> SentCheck:
        """Creates the check of a run, or changes the one that was `sent` last. Raises like `CodeHost`.

        The check of a later run replaces that of an earlier one with the same name. Safe to repeat; annotations of a
        call whose answer was lost may be there twice.
        """


class CodeHost(Protocol):
    """One repository on its code host.

    Every method raises Forbidden if the code host refuses the token or its rights, NotFound if there is no such thing
    (or the token does not see it), InvalidRequest if it refuses the request itself, and Transient, with the wait that
    it asks for, if it may accept later.
    """

    def describe(self) -> HostedRepository:
        """Returns the repository."""

    def list_webhooks(self) -> Sequence[HostedWebhook]:
        """Returns the repository's webhooks."""

    def put_webhook(self, webhook_id: str | None, url: str, secret: str) -> str:
        """Creates a webhook for pushes and pull requests, or changes the one with this id. Returns its id."""

    def remove_webhook(self, webhook_id: str) -> None:
        """Removes a webhook. Raises NotFound if it is gone."""

    def redeliver_failed(self, webhook_id: str, since: datetime) -> int:
        """Has the newest 100 webhooks that failed since then be sent again, each once; returns how many.

        Only GitHub has that: the others return 0.
        """

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Sets a status of a commit."""

    def checks(self) -> "Checks | None":
        """Returns the checks of commits if the code host has them for this token; they replace statuses."""

    def find_comment(self, number: int, marker: str) -> str | None:
        """Returns the id of the first comment on a pull request that contains `marker`; None if there is none."""

    def put_comment(self, comment: PullRequestComment, comment_id: str | None) -> str:
        """Creates a comment on a pull request, or replaces the text of the one with this id. Returns its id."""

    def branches(self) -> Mapping[str, str]:
        """Returns the commits at the heads of the branches (at most 1,000), by branch."""

    def is_protected(self, branch: str) -> bool:
        """Returns whether the code host protects a branch, by any of its rules. Raises NotFound if it is gone."""

    def open_pull_requests(self) -> Sequence[PullRequest]:
        """Returns the open pull requests (at most 1,000) as events that have no sender."""

    def describe_commit(self, commit: str) -> HostedCommit:
        """Returns a commit."""

    def full_commit(self, commit: str) -> str:
        """Returns a commit's whole id: Bitbucket abbreviates those of pull requests. Raises NotFound."""

    def pull_request(self, number: int) -> PullRequest:
        """Returns a pull request as it is now."""

    def may_write(self, user: str, user_id: str) -> bool:
        """Returns whether a user, by name and id, may write to the repository."""


@dataclass(frozen=True, kw_only=True)
class RepositoryLook:
    """When the reconciler looked at a repository last (None: never), and before when it does not look again."""

    repository_id: str
    looked_at: datetime | None = None
    retry_at: datetime | None = None


class HeadStore(Protocol):
    """Heads of repositories whose events were processed, kept for 90 days, and the looks of the reconciler."""

    def identify(self, repository_id: str, head: str, key: DeliveryKey) -> KnownHead:
        """Returns a head with the key under which its event is processed, after it was recorded.

        The key is `key` unless the head is known. A known one keeps its key for the reconciler, and for the first
        webhook that brings a head which the reconciler found; any other webhook is an event of its own. Safe to repeat.
        """

    def mark_done(self, repository_id: str, head: str) -> None:
        """Records that the runs of a head are started."""

    def known(self, repository_id: str, heads: Iterable[str]) -> Mapping[str, KnownHead]:
        """Returns those of the heads that are known."""

    def add_known(self, repository_id: str, heads: Iterable[str], at: datetime) -> None:
        """Records heads as done, unless they are known: nothing is started for them."""

    def list_looks(self) -> Sequence[RepositoryLook]:
        """Returns all repositories that the reconciler looks at."""

    def note_look(self, look: RepositoryLook) -> None:
        """Records a look at a repository."""

    def forget(self, repository_id: str) -> None:
        """Removes a repository from those that the reconciler looks at."""


class CodeHosts(Protocol):
    """Opens repositories on their code hosts."""

    def open(self, address: RepositoryAddress, token: str, *, as_app: bool = False) -> CodeHost:
        """Returns the repository. `as_app`: the token is one of a GitHub App.

        Raises InvalidRequest for an address to which nothing may be sent from here.
        """
