"""`RepositoryStore` on the `repositories` table."""

from collections.abc import Sequence

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.repositories.repository_items import (
    DeliveryRecordItem,
    RepositoriesTable,
    RepositoryItem,
    listing_key,
)
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.repositories.ports import RepositoryDelivery, RepositorySecrets, RepositoryStore
from cadence.domain.repositories.repository import Repository
from cadence.domain.shared.errors import Conflict, NotFound


class DynamoRepositoryStore(RepositoryStore):
    def __init__(self, table_name: str) -> None:
        for item in (RepositoriesTable, RepositoryItem, DeliveryRecordItem):
            bind(item, table_name)

    def add_repository(self, repository: Repository, secrets: RepositorySecrets) -> None:
        try:
            with translated(f"repository {repository.name}"), _transaction() as transaction:
                for item in RepositoryItem.pair(repository, secrets):
                    transaction.save(item, condition=RepositoryItem.pk.does_not_exist())
        except Conflict:
            raise Conflict(
                f"{repository.url} is connected to the project {repository.project!r} already. "
                "Rotate its credentials instead, or disconnect it first."
            ) from None

    def get_repository(self, repository_id: str) -> Repository:
        return _item(repository_id).repository()

    def repository_secrets(self, repository_id: str) -> RepositorySecrets:
        item = _item(repository_id)
        return RepositorySecrets(webhook=item.webhook_secret or b"", token=item.token or b"")

    def find_repository(self, organization: str, project: str, url: str) -> Repository | None:
        try:
            with translated("repository"):
                return RepositoryItem.get(
                    listing_key(organization), RepositoryItem.listing_position(project, url), consistent_read=True
                ).repository()
        except DoesNotExist:
            return None

    def list_repositories(self, organization: str) -> Sequence[Repository]:
        with translated("repositories"):
            listed = RepositoryItem.query(
                listing_key(organization), RepositoryItem.sk.startswith(RepositoryItem.PREFIX), consistent_read=True
            )
            return [item.repository() for item in listed]

    def replace_repository(self, repository: Repository, secrets: RepositorySecrets) -> None:
        try:
            with translated(f"repository {repository.name}"), _transaction() as transaction:
                for item in RepositoryItem.pair(repository, secrets):
                    transaction.save(item, condition=RepositoryItem.pk.exists())
        except Conflict:
            raise _missing(repository.repository_id) from None

    def remove_repository(self, repository: Repository) -> None:
        with translated(f"repository {repository.name}"), _transaction() as transaction:
            transaction.delete(RepositoryItem(RepositoryItem.PREFIX + repository.repository_id, RepositoryItem.SK))
            transaction.delete(
                RepositoryItem(listing_key(repository.organization), RepositoryItem.listed_as(repository))
            )

    def add_delivery(self, repository_id: str, delivery: RepositoryDelivery) -> None:
        partition = RepositoryItem.PREFIX + repository_id
        item = DeliveryRecordItem.of(partition, delivery, ref=delivery.ref, commit=delivery.commit)
        with translated("delivery"):
            item.save()

    def list_deliveries(self, repository_id: str, limit: int) -> Sequence[RepositoryDelivery]:
        with translated("deliveries"):
            items = DeliveryRecordItem.newest(RepositoryItem.PREFIX + repository_id, limit)
            return [item.delivery() for item in items]


def _item(repository_id: str) -> RepositoryItem:
    try:
        with translated("repository"):
            return RepositoryItem.get(RepositoryItem.PREFIX + repository_id, RepositoryItem.SK, consistent_read=True)
    except DoesNotExist:
        raise _missing(repository_id) from None


def _missing(repository_id: str) -> NotFound:
    return NotFound(f"There is no repository {repository_id!r}.")


def _transaction() -> TransactWrite:
    return TransactWrite(connection=transaction_connection())
