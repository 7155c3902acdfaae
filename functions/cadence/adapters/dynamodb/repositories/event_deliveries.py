"""`EventDeliveries` on the `repositories` table, beside the deliveries of repositories."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.repositories.repository_items import RepositoriesTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.triggers.ports import EventDeliveries, EventDelivery

_KEPT = timedelta(days=30)


class EventDeliveryItem(RepositoriesTable):
    """A webhook of a sender of the kind `generic`, with its outcome; kept for 30 days."""

    PARTITION: ClassVar[str] = "EVENTS#"
    PREFIX: ClassVar[str] = "DELIVERY#"

    delivery_id = UnicodeAttribute()
    received_at = UTCDateTimeAttribute()
    event = UnicodeAttribute()
    outcome = UnicodeAttribute()
    runs: JSONAttribute = JSONAttribute()

    @classmethod
    def position(cls, delivery: EventDelivery) -> str:
        return f"{cls.PREFIX}{delivery.received_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}#{delivery.delivery_id}"

    def delivery(self) -> EventDelivery:
        return EventDelivery(
            delivery_id=self.delivery_id,
            received_at=self.received_at,
            event=self.event,
            outcome=self.outcome,
            runs=tuple(self.runs),
        )


class DynamoEventDeliveries(EventDeliveries):
    def __init__(self, table_name: str) -> None:
        for item in (RepositoriesTable, EventDeliveryItem):
            bind(item, table_name)

    def add_event_delivery(self, githost_id: str, delivery: EventDelivery) -> None:
        item = EventDeliveryItem(
            EventDeliveryItem.PARTITION + githost_id,
            EventDeliveryItem.position(delivery),
            delivery_id=delivery.delivery_id,
            received_at=delivery.received_at,
            event=delivery.event,
            outcome=delivery.outcome,
            runs=list(delivery.runs),
            expires_at=delivery.received_at + _KEPT,
        )
        with translated("delivery"):
            item.save()

    def list_event_deliveries(self, githost_id: str, limit: int) -> Sequence[EventDelivery]:
        with translated("deliveries"):
            items = EventDeliveryItem.query(
                EventDeliveryItem.PARTITION + githost_id,
                EventDeliveryItem.sk.startswith(EventDeliveryItem.PREFIX),
                scan_index_forward=False,
                limit=limit,
                consistent_read=True,
            )
            return [item.delivery() for item in items]
