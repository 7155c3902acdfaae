"""`Ledger` on the `runners` table, in millionths, so that sums are exact."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.placement.pool_records import ActiveItem
from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, pool_partition
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.placement.budgets import Charge, cost
from cadence.domain.shared.errors import Conflict
from cadence.domain.shared.retention import KEPT

_MONTH_KEPT = timedelta(days=400)


class SpentItem(RunnersTable):
    PREFIX: ClassVar[str] = "SPENT#"

    amount = NumberAttribute()  # millionths, with reserved amounts

    @classmethod
    def of(cls, organization: str, pool: str, month: str) -> "SpentItem":
        return cls(pool_partition(organization, pool), cls.PREFIX + month)


class ChargeItem(RunnersTable):
    PREFIX: ClassVar[str] = "CHARGE#"

    month = UnicodeAttribute()
    per_hour = NumberAttribute()
    reserved = NumberAttribute()
    began = UTCDateTimeAttribute()
    settled = NumberAttribute(null=True)  # millionths

    @classmethod
    def key(cls, organization: str, pool: str, runner_id: str) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.PREFIX + runner_id

    def charge(self) -> Charge:
        runner_id = self.sk.removeprefix(self.PREFIX)
        return Charge(
            runner_id=runner_id,
            month=self.month,
            per_hour=float(self.per_hour),
            reserved=float(self.reserved),
            began=self.began,
        )


class DynamoLedger:
    def __init__(self, table_name: str) -> None:
        for item in (SpentItem, ChargeItem, ActiveItem):
            bind(item, table_name)
        self._connection = transaction_connection()

    def reserve(self, organization: str, pool: str, charge: Charge, limit: float) -> bool:
        item = ChargeItem(
            *ChargeItem.key(organization, pool, charge.runner_id),
            month=charge.month,
            per_hour=charge.per_hour,
            reserved=charge.reserved,
            began=charge.began,
            expires_at=charge.began + KEPT,
        )
        listed = ActiveItem(
            *ActiveItem.key(organization, pool, charge.runner_id), charged=True, expires_at=charge.began + KEPT
        )
        reserved = _millionths(charge.reserved)
        room = SpentItem.amount <= _millionths(limit) - reserved
        # The first runner of a month finds nothing spent.
        fits = room | SpentItem.amount.does_not_exist() if reserved <= _millionths(limit) else room

        def write() -> None:
            with (
                translated(f"budget of pool {pool}"),
                TransactWrite(connection=self._connection) as transaction,
            ):
                transaction.save(item, ChargeItem.pk.does_not_exist())
                transaction.update(
                    SpentItem.of(organization, pool, charge.month),
                    [SpentItem.amount.add(reserved), SpentItem.expires_at.set(charge.began + _MONTH_KEPT)],
                    fits,
                )
                transaction.save(listed)

        try:
            insisting(write)
        except Conflict:
            return self._find(organization, pool, charge.runner_id) is not None
        return True

    def settle(self, organization: str, pool: str, runner_id: str, now: datetime) -> None:
        item = self._find(organization, pool, runner_id)
        if item is None or item.attribute_values.get("settled") is not None:
            return
        charge = item.charge()
        actual = _millionths(cost(charge, now))

        def write() -> None:
            with (
                translated(f"budget of pool {pool}"),
                TransactWrite(connection=self._connection) as transaction,
            ):
                transaction.update(
                    ChargeItem(*ChargeItem.key(organization, pool, runner_id)),
                    [ChargeItem.settled.set(actual)],
                    ChargeItem.settled.does_not_exist(),
                )
                transaction.update(
                    SpentItem.of(organization, pool, charge.month),
                    [SpentItem.amount.add(actual - _millionths(charge.reserved))],
                )
                transaction.delete(ActiveItem(*ActiveItem.key(organization, pool, runner_id)))

        try:
            insisting(write)
        except Conflict:
            return  # another call has settled it

    def cancel(self, organization: str, pool: str, runner_id: str) -> None:
        item = self._find(organization, pool, runner_id)
        if item is None:
            return
        charge = item.charge()

        def write() -> None:
            with (
                translated(f"budget of pool {pool}"),
                TransactWrite(connection=self._connection) as transaction,
            ):
                transaction.delete(item, condition=ChargeItem.pk.exists() & ChargeItem.settled.does_not_exist())
                transaction.update(
                    SpentItem.of(organization, pool, charge.month),
                    [SpentItem.amount.add(-_millionths(charge.reserved))],
                )
                transaction.delete(ActiveItem(*ActiveItem.key(organization, pool, runner_id)))

        try:
            insisting(write)
        except Conflict:
            return  # another call has cancelled or settled it

    def spent(self, organization: str, pool: str, month: str) -> float:
        item = SpentItem.of(organization, pool, month)
        try:
            with translated(f"budget of pool {pool}"):
                item.refresh(consistent_read=True)
        except DoesNotExist:
            return 0.0
        return float(item.amount) / 1_000_000

    def set_aside(self, organization: str, pool: str, month: str, runner_ids: Sequence[str]) -> float:
        keys = [ChargeItem.key(organization, pool, runner_id) for runner_id in dict.fromkeys(runner_ids)]
        with translated(f"budget of pool {pool}"):
            charges = list(ChargeItem.batch_get(keys, consistent_read=True)) if keys else []
        held = (one for one in charges if one.month == month and one.attribute_values.get("settled") is None)
        return sum(_millionths(float(one.reserved)) for one in held) / 1_000_000

    def _find(self, organization: str, pool: str, runner_id: str) -> ChargeItem | None:
        try:
            with translated(f"budget of pool {pool}"):
                return ChargeItem.get(*ChargeItem.key(organization, pool, runner_id), consistent_read=True)
        except DoesNotExist:
            return None


def _millionths(amount: float) -> int:
    return round(amount * 1_000_000)
