"""`GitHubAppStore` on the `repositories` table."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.repositories.repository_items import RepositoriesTable, listing_key
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.repositories.github_app_ports import AppSecrets, GitHubAppStore
from cadence.domain.repositories.github_app import GitHubApp
from cadence.domain.shared.errors import Conflict, NotFound


class GitHubAppItem(RepositoriesTable):
    """Stored twice in one transaction; only the one under its own id holds the secrets. The other is the listing."""

    PREFIX: ClassVar[str] = "APP#"
    SK: ClassVar[str] = "APP"

    app_id = UnicodeAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    origin = UnicodeAttribute()
    public_url = UnicodeAttribute()
    number = NumberAttribute()
    slug = UnicodeAttribute()
    name = UnicodeAttribute()
    url = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    webhook_secret = BinaryAttribute(null=True, legacy_encoding=False)
    private_key = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def pair(cls, app: GitHubApp, secrets: AppSecrets) -> tuple["GitHubAppItem", "GitHubAppItem"]:
        """Returns the item under the App's own id, and the one of the listing."""
        values: dict[str, Any] = {name: getattr(app, name) for name in GitHubApp.__dataclass_fields__}
        own: dict[str, Any] = {"webhook_secret": secrets.webhook, "private_key": secrets.private_key}
        return (
            cls(cls.PREFIX + app.app_id, cls.SK, **own, **values),
            cls(listing_key(app.organization), cls.listed_as(app), **values),
        )

    @classmethod
    def listed_as(cls, app: GitHubApp) -> str:
        """Returns the sort key in the listing."""
        return f"{cls.PREFIX}{app.project}#{app.app_id}"

    def app(self) -> GitHubApp:
        return GitHubApp(
            app_id=self.app_id,
            organization=self.organization,
            project=self.project,
            origin=self.origin,
            public_url=self.public_url,
            number=int(self.number),
            slug=self.slug,
            name=self.name,
            url=self.url,
            created_at=self.created_at,
            created_by=self.created_by,
        )


class DynamoGitHubApps(GitHubAppStore):
    def __init__(self, table_name: str) -> None:
        for item in (RepositoriesTable, GitHubAppItem):
            bind(item, table_name)

    def add_app(self, app: GitHubApp, secrets: AppSecrets) -> None:
        try:
            with translated(f"App {app.name}"), _transaction() as transaction:
                for item in GitHubAppItem.pair(app, secrets):
                    transaction.save(item, condition=GitHubAppItem.pk.does_not_exist())
        except Conflict:
            raise Conflict(f"There is an App {app.app_id!r} already.") from None

    def get_app(self, app_id: str) -> GitHubApp:
        return _item(app_id).app()

    def app_secrets(self, app_id: str) -> AppSecrets:
        item = _item(app_id)
        return AppSecrets(webhook=item.webhook_secret or b"", private_key=item.private_key or b"")

    def list_apps(self, organization: str) -> Sequence[GitHubApp]:
        with translated("Apps"):
            listed = GitHubAppItem.query(
                listing_key(organization), GitHubAppItem.sk.startswith(GitHubAppItem.PREFIX), consistent_read=True
            )
            return [item.app() for item in listed]

    def replace_app_secrets(self, app: GitHubApp, secrets: AppSecrets) -> None:
        try:
            with translated(f"App {app.name}"), _transaction() as transaction:
                for item in GitHubAppItem.pair(app, secrets):
                    transaction.save(item, condition=GitHubAppItem.pk.exists())
        except Conflict:
            raise _missing(app.app_id) from None

    def remove_app(self, app: GitHubApp) -> None:
        with translated(f"App {app.name}"), _transaction() as transaction:
            transaction.delete(GitHubAppItem(GitHubAppItem.PREFIX + app.app_id, GitHubAppItem.SK))
            transaction.delete(GitHubAppItem(listing_key(app.organization), GitHubAppItem.listed_as(app)))


def _item(app_id: str) -> GitHubAppItem:
    try:
        with translated("App"):
            return GitHubAppItem.get(GitHubAppItem.PREFIX + app_id, GitHubAppItem.SK, consistent_read=True)
    except DoesNotExist:
        raise _missing(app_id) from None


def _missing(app_id: str) -> NotFound:
    return NotFound(f"There is no GitHub App {app_id!r}.")


def _transaction() -> TransactWrite:
    return TransactWrite(connection=transaction_connection())
