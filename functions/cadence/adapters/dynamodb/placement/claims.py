"""`Claims` on the `runners` table: one conditional write decides which runner gets a machine."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, pool_partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.placement.ports import MachineClaim
from cadence.domain.shared.errors import Conflict

# Longer than any machine that was started in advance exists.
_KEPT = timedelta(days=30)


class ClaimItem(RunnersTable):
    PREFIX: ClassVar[str] = "CLAIM#"

    runner_id = UnicodeAttribute()
    at = UTCDateTimeAttribute()


class DynamoClaims:
    def __init__(self, table_name: str) -> None:
        bind(ClaimItem, table_name)

    def claim(self, organization: str, pool: str, ref: str, runner_id: str, at: datetime) -> bool:
        item = ClaimItem(
            pool_partition(organization, pool),
            ClaimItem.PREFIX + ref,
            runner_id=runner_id,
            at=at,
            expires_at=at + _KEPT,
        )
        try:
            with translated(f"claim of {ref}"):
                item.save(ClaimItem.pk.does_not_exist() | (ClaimItem.runner_id == runner_id))
        except Conflict:
            return False
        return True

    def claimed(self, organization: str, pool: str) -> Mapping[str, MachineClaim]:
        with translated(f"claims of pool {pool}"):
            items = ClaimItem.query(
                pool_partition(organization, pool), ClaimItem.sk.startswith(ClaimItem.PREFIX), consistent_read=True
            )
            return {item.sk.removeprefix(ClaimItem.PREFIX): MachineClaim(item.runner_id, item.at) for item in items}

    def forget(self, organization: str, pool: str, ref: str) -> None:
        with translated(f"claim of {ref}"):
            ClaimItem(pool_partition(organization, pool), ClaimItem.PREFIX + ref).delete()
