"""`HoldStore` on the `access` table: legal holds, and the marks of projects of which something is held."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.access.access_items import AccessTable, ProjectItem, organization_key
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.deletion.hold_ports import HoldStore
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.shared.errors import NotFound

_CHANGING = ("set_at", "released_at", "released_by", "renewed_at", "renewed_through", "leased_until")


class HoldItem(AccessTable):
    """A hold. What it names is inside of `record`, so that no search for a project's items finds it."""

    class Meta:
        table_name: ClassVar[str] = "access"

    PARTITION: ClassVar[str] = "HOLDS"

    record = UnicodeAttribute()
    set_at = UTCDateTimeAttribute()
    released_at = UTCDateTimeAttribute(null=True)
    released_by = UnicodeAttribute(null=True)
    renewed_at = UTCDateTimeAttribute(null=True)
    renewed_through = UnicodeAttribute(null=True)
    leased_until = UTCDateTimeAttribute(null=True)

    @classmethod
    def of(cls, hold: LegalHold) -> "HoldItem":
        record = {name: value for name, value in dataclasses.asdict(hold).items() if name not in _CHANGING}
        return cls(*_key(hold.organization, hold.hold_id), record=json.dumps(record), set_at=hold.set_at)

    def hold(self) -> LegalHold:
        record: dict[str, Any] = json.loads(self.record)
        return LegalHold(**record, **{name: getattr(self, name) for name in _CHANGING})


class DynamoHoldStore(HoldStore):
    def __init__(self, table_name: str) -> None:
        for item in (AccessTable, HoldItem, ProjectItem):
            bind(item, table_name)

    def add(self, hold: LegalHold) -> None:
        not_deleted = ProjectItem.pk.exists() & ProjectItem.deletion.does_not_exist()
        with translated(f"project {hold.project}"), _transaction() as transaction:
            transaction.save(HoldItem.of(hold), condition=HoldItem.pk.does_not_exist())
            transaction.update(_project(hold), [ProjectItem.holds.add({hold.hold_id})], condition=not_deleted)

    def get(self, organization: str, hold_id: str) -> LegalHold:
        try:
            with translated(f"hold {hold_id}"):
                return HoldItem.get(*_key(organization, hold_id), consistent_read=True).hold()
        except DoesNotExist:
            raise NotFound(f"There is no hold {hold_id!r} here.") from None

    def list(self, organization: str) -> Sequence[LegalHold]:
        return _query(HoldItem.sk.startswith(f"{organization}#"), forward=False)

    def list_on(self) -> Sequence[LegalHold]:
        found = _query(None, forward=True, wanted=HoldItem.released_at.does_not_exist())
        return sorted(found, key=lambda hold: hold.set_at)

    def release(self, hold: LegalHold, at: datetime, by: str) -> LegalHold:
        item = HoldItem(*_key(hold.organization, hold.hold_id))
        released: Sequence[Any] = [HoldItem.released_at.set(at), HoldItem.released_by.set(by)]
        with translated(f"hold {hold.hold_id}"), _transaction() as transaction:
            transaction.update(
                item, [*released], condition=HoldItem.pk.exists() & HoldItem.released_at.does_not_exist()
            )
            transaction.update(_project(hold), [ProjectItem.holds.delete({hold.hold_id})])
        return dataclasses.replace(hold, released_at=at, released_by=by)

    def lease(self, hold: LegalHold, now: datetime, until: datetime) -> None:
        free = HoldItem.leased_until.does_not_exist() | (HoldItem.leased_until <= now)
        self._update(hold, [HoldItem.leased_until.set(until)], HoldItem.released_at.does_not_exist() & free)

    def note_progress(self, hold: LegalHold, through: str) -> None:
        self._update(hold, [HoldItem.renewed_through.set(through), HoldItem.leased_until.remove()])

    def note_pass(self, hold: LegalHold, at: datetime) -> None:
        actions = [HoldItem.renewed_at.set(at), HoldItem.renewed_through.remove(), HoldItem.leased_until.remove()]
        self._update(hold, actions)

    @staticmethod
    def _update(hold: LegalHold, actions: Sequence[Any], condition: Condition | None = None) -> None:
        with translated(f"hold {hold.hold_id}"):
            HoldItem(*_key(hold.organization, hold.hold_id)).update(
                [*actions], condition=HoldItem.pk.exists() if condition is None else condition
            )


def _query(condition: Condition | None, *, forward: bool, wanted: Condition | None = None) -> list[LegalHold]:
    with translated("holds"):
        items = HoldItem.query(
            HoldItem.PARTITION, condition, filter_condition=wanted, consistent_read=True, scan_index_forward=forward
        )
        return [item.hold() for item in items]


def _key(organization: str, hold_id: str) -> tuple[str, str]:
    return HoldItem.PARTITION, f"{organization}#{hold_id}"


def _project(hold: LegalHold) -> ProjectItem:
    return ProjectItem(organization_key(hold.organization), ProjectItem.PREFIX + hold.project)


def _transaction() -> TransactWrite:
    return TransactWrite(connection=transaction_connection())
