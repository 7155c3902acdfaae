"""`Outbox` on the `alerts` table: one partition for each channel."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.alerts.alert_items import AlertsTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.alerts.ports import ChannelKey, DeadLetterMessages, Outbox, WaitingMessage
from cadence.domain.alerts.channel import AlertDelivery
from cadence.domain.alerts.message import Message
from cadence.domain.shared.errors import Conflict, NotFound

KEPT = timedelta(days=7)
"""How long a message waits for a channel that cannot be reached."""


class WaitingItem(AlertsTable):
    class Meta:
        table_name: ClassVar[str] = "alerts"

    PREFIX: ClassVar[str] = "WAITING#"
    DEAD_LETTER: ClassVar[str] = "DEAD_LETTER#"

    message: JSONAttribute = JSONAttribute()
    refusals = NumberAttribute(default=0)

    @classmethod
    def of(cls, key: ChannelKey, message: Message) -> "WaitingItem":
        made_at = f"{message.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        return cls(
            partition(key),
            f"{cls.PREFIX}{made_at}#{message.message_id}",
            message=message.to_json(),
            expires_at=message.made_at + KEPT,
        )


class DeliveryItem(AlertsTable):
    class Meta:
        table_name: ClassVar[str] = "alerts"

    SK: ClassVar[str] = "DELIVERY"

    failures = NumberAttribute()
    retry_at = UTCDateTimeAttribute(null=True)
    leased_until = UTCDateTimeAttribute(null=True)
    last_error = UnicodeAttribute(null=True)
    failing_since = UTCDateTimeAttribute(null=True)
    delivered_at = UTCDateTimeAttribute(null=True)
    recent: JSONAttribute = JSONAttribute()
    version = NumberAttribute()


def partition(key: ChannelKey) -> str:
    return "OUTBOX#" + "#".join(key)


class DynamoOutbox(Outbox, DeadLetterMessages):
    def __init__(self, table_name: str) -> None:
        for item in (AlertsTable, WaitingItem, DeliveryItem):
            bind(item, table_name)

    def post(self, key: ChannelKey, message: Message) -> None:
        with translated(f"channel {key[2]}"):
            WaitingItem.of(key, message).save()

    def waiting(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        with translated(f"channel {key[2]}"):
            prefix = WaitingItem.sk.startswith(WaitingItem.PREFIX)
            items = WaitingItem.query(partition(key), prefix, limit=limit, consistent_read=True)
            return [WaitingMessage(item.sk, Message.of_json(item.message), int(item.refusals)) for item in items]

    def count_waiting(self, key: ChannelKey, most: int) -> int:
        return _count(key, WaitingItem.PREFIX, most)

    def count_dead_letters(self, key: ChannelKey, most: int) -> int:
        return _count(key, WaitingItem.DEAD_LETTER, most)

    def remove(self, key: ChannelKey, waiting: Iterable[WaitingMessage]) -> None:
        with translated(f"channel {key[2]}"), WaitingItem.batch_write() as batch:
            for each in waiting:
                batch.delete(WaitingItem(partition(key), each.position))

    def refused(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        item = WaitingItem(partition(key), waiting.position)
        try:
            with translated(f"channel {key[2]}"):
                item.update([WaitingItem.refusals.set(waiting.refusals + 1)], condition=WaitingItem.pk.exists())
        except Conflict:
            return  # it was delivered by another process meanwhile

    def put_dead_letter(self, key: ChannelKey, waiting: WaitingMessage) -> None:
        item = WaitingItem.of(key, waiting.message)
        dead_letter = WaitingItem(
            partition(key),
            WaitingItem.DEAD_LETTER + waiting.position.removeprefix(WaitingItem.PREFIX),
            message=item.message,
            refusals=waiting.refusals + 1,
            expires_at=datetime.now(UTC) + KEPT,
        )
        with translated(f"channel {key[2]}"):
            dead_letter.save()
            WaitingItem(partition(key), waiting.position).delete()

    def list_dead_letters(self, key: ChannelKey, limit: int) -> Sequence[WaitingMessage]:
        with translated(f"channel {key[2]}"):
            prefix = WaitingItem.sk.startswith(WaitingItem.DEAD_LETTER)
            items = WaitingItem.query(partition(key), prefix, limit=limit, consistent_read=True)
            return [WaitingMessage(item.sk, Message.of_json(item.message), int(item.refusals)) for item in items]

    def take_back(self, key: ChannelKey, position: str) -> None:
        try:
            with translated(f"channel {key[2]}"):
                dead_letter = WaitingItem.get(partition(key), position, consistent_read=True)
        except DoesNotExist:
            raise NotFound("The message is no longer a dead letter.") from None
        # Written first: if the process ends in between, the message is on both sides, under one id.
        waiting = WaitingItem(
            partition(key),
            WaitingItem.PREFIX + position.removeprefix(WaitingItem.DEAD_LETTER),
            message=dead_letter.message,
            expires_at=datetime.now(UTC) + KEPT,
        )
        with translated(f"channel {key[2]}"):
            waiting.save()
        self.discard(key, position)

    def discard(self, key: ChannelKey, position: str) -> None:
        with translated(f"channel {key[2]}"):
            WaitingItem(partition(key), position).delete()

    def get_delivery(self, key: ChannelKey) -> AlertDelivery:
        try:
            with translated(f"channel {key[2]}"):
                item = DeliveryItem.get(partition(key), DeliveryItem.SK, consistent_read=True)
        except DoesNotExist:
            return AlertDelivery()
        return AlertDelivery(
            failures=int(item.failures),
            retry_at=item.retry_at,
            leased_until=item.leased_until,
            last_error=item.last_error,
            failing_since=item.failing_since,
            delivered_at=item.delivered_at,
            recent=tuple(datetime.fromisoformat(each) for each in item.recent),
            version=int(item.version),
        )

    def put_delivery(self, key: ChannelKey, delivery: AlertDelivery) -> None:
        as_read = DeliveryItem.version == delivery.version if delivery.version else DeliveryItem.pk.does_not_exist()
        item = DeliveryItem(
            partition(key),
            DeliveryItem.SK,
            failures=delivery.failures,
            retry_at=delivery.retry_at,
            leased_until=delivery.leased_until,
            last_error=delivery.last_error,
            failing_since=delivery.failing_since,
            delivered_at=delivery.delivered_at,
            recent=[each.isoformat() for each in delivery.recent],
            version=delivery.version + 1,
        )
        with translated(f"channel {key[2]}"):
            item.save(as_read)

    def clear(self, key: ChannelKey) -> None:
        """Removes everything of a channel that no longer exists."""
        with translated(f"channel {key[2]}"), AlertsTable.batch_write() as batch:
            for item in AlertsTable.query(partition(key), consistent_read=True):
                batch.delete(item)


def _count(key: ChannelKey, prefix: str, most: int) -> int:
    with translated(f"channel {key[2]}"):
        with_prefix = WaitingItem.sk.startswith(prefix)
        return min(int(WaitingItem.count(partition(key), with_prefix, limit=most, consistent_read=True)), most)
