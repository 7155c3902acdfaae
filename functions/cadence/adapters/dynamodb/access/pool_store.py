"""`PoolStore` on the `access` table."""

from collections.abc import Sequence

from cadence.adapters.dynamodb.access.access_items import (
    AccessTable,
    PoolCredentialsItem,
    PoolItem,
    SweptPoolItem,
    organization_key,
)
from cadence.adapters.dynamodb.access.access_queries import create_item, read_item, read_under, write_together
from cadence.adapters.dynamodb.access.people_items import PolicyItem
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.placement.ports import SweptPool
from cadence.domain.access.people import AccessPolicy
from cadence.domain.placement.pool import HOST, Pool
from cadence.domain.shared.errors import Conflict, NotFound


class DynamoPoolStore:
    """The pools of organizations, and the list of those that are swept."""

    def put_pool(self, pool: Pool) -> bool:
        item, swept = PoolItem.of(pool), _swept(pool)
        with translated(f"pool {pool.name}"):
            if pool.provider != HOST:
                swept.save()  # first: nothing is started in a pool that is not swept
            try:
                create_item(item, "")
            except Conflict:
                item.save()
                return False
        return True

    def replace_pool(self, pool: Pool) -> None:
        try:
            with translated(f"pool {pool.name}"), write_together() as transaction:
                transaction.save(PoolItem.of(pool), condition=AccessTable.pk.exists())
                if pool.provider != HOST:
                    transaction.save(_swept(pool))
        except Conflict:
            message = f"Pool {pool.name} was removed by another request at this moment. Send it again to create it."
            raise Conflict(message) from None

    def create_pool(self, pool: Pool, policy: AccessPolicy | None = None) -> bool:
        try:
            with translated(f"pool {pool.name}"), write_together() as transaction:
                transaction.save(PoolItem.of(pool), condition=AccessTable.pk.does_not_exist())
                # A removal that failed half-way may have left those of an earlier pool.
                transaction.delete(PoolCredentialsItem(*PoolCredentialsItem.key(pool)))
                if pool.provider != HOST:
                    transaction.save(_swept(pool))
                if policy is not None:
                    transaction.save(PolicyItem.of(policy), condition=PolicyItem.precedes(policy))
        except Conflict:
            try:
                self.get_pool(pool.organization, pool.name)
            except NotFound:
                raise Conflict("The access policy was changed meanwhile.") from None
            return False
        return True

    def remove_pool(self, organization: str, name: str) -> None:
        """Removes a pool. It is no error if there is none."""
        with translated(f"pool {name}"):
            PoolItem(organization_key(organization), PoolItem.PREFIX + name).delete()
            SweptPoolItem(*SweptPoolItem.key(organization, name)).delete()

    def swept_pools(self) -> Sequence[SweptPool]:
        with translated("the sweeper's list"):
            return [
                SweptPool(*item.sk.partition("#")[::2], item.provider)
                for item in SweptPoolItem.query(SweptPoolItem.PK, consistent_read=True)
            ]

    def get_pool(self, organization: str, name: str) -> Pool:
        return read_item(
            PoolItem, organization_key(organization), PoolItem.PREFIX + name, f"There is no pool {name!r}."
        ).pool()

    def list_pools(self, organization: str) -> Sequence[Pool]:
        return [item.pool() for item in read_under(PoolItem, organization_key(organization), PoolItem.PREFIX)]


def _swept(pool: Pool) -> SweptPoolItem:
    return SweptPoolItem(*SweptPoolItem.key(pool.organization, pool.name), provider=pool.provider)
