"""`BackOffs` on the `runners` table.

Each write is conditional on what it read, so that of many simultaneous refusals one is counted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, pool_partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.placement.back_off import BackOff
from cadence.domain.shared.errors import Conflict

# Refused requests of pools, and offers that a provider does not request.
REFUSED, CIRCUIT = "REFUSAL#", "CIRCUIT#"

_KEPT = timedelta(days=1)
_LONGEST_REASON = 1_000


class BackOffItem(RunnersTable):
    at = UTCDateTimeAttribute()
    until = UTCDateTimeAttribute()
    times = NumberAttribute()
    reason = UnicodeAttribute()

    def back_off(self, prefix: str) -> BackOff:
        return BackOff(
            offer=self.sk.removeprefix(prefix), at=self.at, reason=self.reason, until=self.until, times=int(self.times)
        )


class DynamoBackOffs:
    """Back-offs whose sort keys begin with `prefix`."""

    def __init__(self, table_name: str, prefix: str) -> None:
        bind(BackOffItem, table_name)
        self._prefix = prefix

    def get(self, organization: str, pool: str, offer: str) -> BackOff | None:
        try:
            with translated(f"refusals of pool {pool}"):
                item = BackOffItem.get(pool_partition(organization, pool), self._prefix + offer, consistent_read=True)
        except DoesNotExist:
            return None
        return item.back_off(self._prefix)

    def of_pool(self, organization: str, pool: str) -> Sequence[BackOff]:
        with translated(f"refusals of pool {pool}"):
            items = BackOffItem.query(
                pool_partition(organization, pool), BackOffItem.sk.startswith(self._prefix), consistent_read=True
            )
            return [item.back_off(self._prefix) for item in items]

    def replace(self, organization: str, pool: str, seen: BackOff | None, new: BackOff) -> bool:
        item = BackOffItem(
            pool_partition(organization, pool),
            self._prefix + new.offer,
            at=new.at,
            until=new.until,
            times=new.times,
            reason=new.reason[:_LONGEST_REASON],
            expires_at=new.until + _KEPT,
        )
        unchanged = (
            BackOffItem.pk.does_not_exist()
            if seen is None
            else (BackOffItem.at == seen.at) & (BackOffItem.until == seen.until)
        )
        try:
            with translated(f"refusals of pool {pool}"):
                item.save(unchanged)
        except Conflict:
            return False
        return True

    def forget(self, organization: str, pool: str, offer: str, before: datetime) -> None:
        item = BackOffItem(pool_partition(organization, pool), self._prefix + offer)
        try:
            with translated(f"refusals of pool {pool}"):
                item.delete(BackOffItem.pk.does_not_exist() | (BackOffItem.at < before))
        except Conflict:
            return  # it was refused meanwhile
