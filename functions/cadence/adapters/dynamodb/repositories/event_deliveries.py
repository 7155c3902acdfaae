"""`EventDeliveries` on the `repositories` table, beside the deliveries of repositories."""

from collections.abc import Sequence
from typing import ClassVar

from cadence.adapters.dynamodb.repositories.repository_items import KeptDeliveryItem, RepositoriesTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.triggers.ports import EventDeliveries, EventDelivery


class EventDeliveryItem(KeptDeliveryItem):
    """A webhook of a sender of the kind `generic`."""

    PARTITION: ClassVar[str] = "EVENTS#"

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
        with translated("delivery"):
            EventDeliveryItem.of(EventDeliveryItem.PARTITION + githost_id, delivery).save()

    def list_event_deliveries(self, githost_id: str, limit: int) -> Sequence[EventDelivery]:
        with translated("deliveries"):
            items = EventDeliveryItem.newest(EventDeliveryItem.PARTITION + githost_id, limit)
            return [item.delivery() for item in items]
