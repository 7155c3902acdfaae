"""Items of the `repositories` table."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any, ClassVar, Self

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)

from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.application.repositories.ports import RepositoryDelivery, RepositorySecrets
from cadence.application.triggers.ports import EventDelivery
from cadence.domain.repositories.commit_check import SentCheck
from cadence.domain.repositories.repository import ForkPolicy, Repository
from cadence.domain.triggers.githost import GitHostKind


class RepositoriesTable(StoredItem):
    """What all items of the table share. Each kind of item is a subclass."""

    class Meta:
        table_name: ClassVar[str] = "repositories"


class RepositoryItem(RepositoriesTable):
    """Stored twice in one transaction; only the one under its own id holds the secrets.

    The other lists the organization's repositories. Its key is the repository's address within its project, so that
    each project has a repository once.
    """

    PREFIX: ClassVar[str] = "REPOSITORY#"
    SK: ClassVar[str] = "REPOSITORY"

    repository_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    name = UnicodeAttribute()
    url = UnicodeAttribute()
    clone_url = UnicodeAttribute()
    origin = UnicodeAttribute()
    default_branch = UnicodeAttribute()
    public_url = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    forks = UnicodeAttribute()
    webhook_id = UnicodeAttribute(null=True)
    app_id = UnicodeAttribute(null=True)
    webhook_secret = BinaryAttribute(null=True, legacy_encoding=False)
    token = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def pair(cls, repository: Repository, secrets: RepositorySecrets) -> tuple["RepositoryItem", "RepositoryItem"]:
        """Returns the item under the repository's own id, and the one of the listing."""
        values: dict[str, Any] = {
            "repository_id": repository.repository_id,
            "kind": str(repository.kind),
            "organization": repository.organization,
            "project": repository.project,
            "name": repository.name,
            "url": repository.url,
            "clone_url": repository.clone_url,
            "origin": repository.origin,
            "default_branch": repository.default_branch,
            "public_url": repository.public_url,
            "created_at": repository.created_at,
            "created_by": repository.created_by,
            "forks": str(repository.forks),
            "webhook_id": repository.webhook_id,
            "app_id": repository.app_id,
        }
        # One that is connected with an App has neither.
        own: dict[str, Any] = {"webhook_secret": secrets.webhook or None, "token": secrets.token or None}
        return (
            cls(cls.PREFIX + repository.repository_id, cls.SK, **own, **values),
            cls(listing_key(repository.organization), cls.listed_as(repository), **values),
        )

    @classmethod
    def listed_as(cls, repository: Repository) -> str:
        """Returns the sort key in the listing."""
        return cls.listing_position(repository.project, f"{repository.origin}/{repository.name}")

    @classmethod
    def listing_position(cls, project: str, url: str) -> str:
        return cls.PREFIX + f"{project}#{url}".lower()

    def repository(self) -> Repository:
        return Repository(
            repository_id=self.repository_id,
            kind=GitHostKind(self.kind),
            organization=self.organization,
            project=self.project,
            name=self.name,
            url=self.url,
            clone_url=self.clone_url,
            origin=self.origin,
            default_branch=self.default_branch,
            public_url=self.public_url,
            created_at=self.created_at,
            created_by=self.created_by,
            forks=ForkPolicy(self.forks),
            webhook_id=self.webhook_id,
            app_id=self.app_id,
        )


class KeptDeliveryItem(RepositoriesTable):
    """A webhook with its outcome; kept for 30 days. Its subclasses say whose it is."""

    PREFIX: ClassVar[str] = "DELIVERY#"
    KEPT: ClassVar[timedelta] = timedelta(days=30)

    delivery_id = UnicodeAttribute()
    received_at = UTCDateTimeAttribute()
    event = UnicodeAttribute()
    outcome = UnicodeAttribute()
    runs: JSONAttribute = JSONAttribute()

    @classmethod
    def of(cls, partition: str, delivery: RepositoryDelivery | EventDelivery, **more: Any) -> Self:
        return cls(
            partition,
            f"{cls.PREFIX}{delivery.received_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}#{delivery.delivery_id}",
            delivery_id=delivery.delivery_id,
            received_at=delivery.received_at,
            event=delivery.event,
            outcome=delivery.outcome,
            runs=list(delivery.runs),
            expires_at=delivery.received_at + cls.KEPT,
            **more,
        )

    @classmethod
    def newest(cls, partition: str, limit: int) -> Iterator[Self]:
        return cls.query(
            partition, cls.sk.startswith(cls.PREFIX), scan_index_forward=False, limit=limit, consistent_read=True
        )


class DeliveryRecordItem(KeptDeliveryItem):
    """A webhook of a repository."""

    ref = UnicodeAttribute()
    commit = UnicodeAttribute()

    def delivery(self) -> RepositoryDelivery:
        return RepositoryDelivery(
            delivery_id=self.delivery_id,
            received_at=self.received_at,
            event=self.event,
            ref=self.ref,
            commit=self.commit,
            outcome=self.outcome,
            runs=tuple(self.runs),
        )


class ReportHeadItem(RepositoriesTable):
    """The lease on reporting about a commit, and what hinders it."""

    SK: ClassVar[str] = "HEAD"

    owner = UnicodeAttribute(null=True)
    leased_until = UTCDateTimeAttribute(null=True)
    waiting = BooleanAttribute(null=True)
    problem = UnicodeAttribute(null=True)
    failing_since = UTCDateTimeAttribute(null=True)
    retry_at = UTCDateTimeAttribute(null=True)


class ReportRunItem(RepositoriesTable):
    """A run of a commit."""

    PREFIX: ClassVar[str] = "RUN#"


class ReportSentItem(RepositoriesTable):
    """The status or check that was sent last for a context."""

    PREFIX: ClassVar[str] = "SENT#"

    digest = UnicodeAttribute()
    check_id = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    annotations = UnicodeAttribute(null=True)

    def check(self) -> SentCheck | None:
        if not self.check_id:
            return None
        return SentCheck(check_id=self.check_id, run_id=self.run_id or "", annotations=self.annotations or "")


class ReportCommentItem(RepositoriesTable):
    """The comment on a pull request as it was sent last."""

    SK: ClassVar[str] = "COMMENT"

    comment_id = UnicodeAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    newest_run = UnicodeAttribute(null=True)


class ReportProblemItem(RepositoriesTable):
    """Why the last report of a repository was refused."""

    SK: ClassVar[str] = "PROBLEM"

    problem = UnicodeAttribute()


def listing_key(organization: str) -> str:
    return f"ORG#{organization}"


def commit_key(repository_id: str, commit: str) -> str:
    return f"COMMIT#{repository_id}#{commit}"


def pull_request_key(repository_id: str, number: int) -> str:
    return f"PULL#{repository_id}#{number}"
