"""`ErasureStore` on the `access` table."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.deletion.erasure_ports import ErasureStore
from cadence.domain.deletion.member_erasure import MemberErasure
from cadence.domain.shared.errors import NotFound

_MOMENTS = ("requested_at", "finished_at")


class ErasureItem(AccessTable):
    """An erasure, as JSON."""

    class Meta:
        table_name: ClassVar[str] = "access"

    PARTITION: ClassVar[str] = "ERASURES"

    record = UnicodeAttribute()

    @classmethod
    def of(cls, erasure: MemberErasure) -> "ErasureItem":
        record = dataclasses.asdict(erasure)
        for name in _MOMENTS:
            record[name] = record[name].isoformat() if record[name] else None
        return cls(cls.PARTITION, f"{erasure.organization}#{erasure.erasure_id}", record=json.dumps(record))

    def erasure(self) -> MemberErasure:
        record: dict[str, Any] = json.loads(self.record)
        for name in _MOMENTS:
            record[name] = datetime.fromisoformat(record[name]) if record[name] else None
        return MemberErasure(**record)


class DynamoErasureStore(ErasureStore):
    def __init__(self, table_name: str) -> None:
        for item in (AccessTable, ErasureItem):
            bind(item, table_name)

    def put(self, erasure: MemberErasure) -> None:
        with translated(f"erasure {erasure.erasure_id}"):
            ErasureItem.of(erasure).save()

    def get(self, organization: str, erasure_id: str) -> MemberErasure:
        try:
            with translated(f"erasure {erasure_id}"):
                item = ErasureItem.get(ErasureItem.PARTITION, f"{organization}#{erasure_id}", consistent_read=True)
        except DoesNotExist:
            raise NotFound(f"There is no erasure {erasure_id!r} here.") from None
        return item.erasure()

    def list(self, organization: str) -> Sequence[MemberErasure]:
        with translated("erasures"):
            items = ErasureItem.query(
                ErasureItem.PARTITION,
                ErasureItem.sk.startswith(f"{organization}#"),
                consistent_read=True,
                scan_index_forward=False,
            )
            return [item.erasure() for item in items]
