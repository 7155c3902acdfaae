"""A channel's messages are delivered: all of them, in order, and never in a flood.

Messages wait in an outbox. One process at a time sends (a lease), several messages in one sending where the channel can hold
them. While a channel cannot be reached there is one try at a time, farther and farther apart, however many messages wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.access.ports import Cipher
from cadence.application.alerts.ports import (
    AlertNotifier,
    ChannelKey,
    ChannelRefused,
    ChannelStore,
    Outbox,
    Senders,
    WaitingMessage,
)
from cadence.application.shared.ports import Clock
from cadence.domain.alerts.channel import MOST_REFUSALS, AlertDelivery
from cadence.domain.shared.errors import Conflict, NotFound, Transient

LEASE = timedelta(seconds=90)
"""Longer than the Lambda may run."""
_BATCH = 200
_SENDINGS = 10
_BUSY = timedelta(seconds=25)
"""In one go, and begun within it; what is left is another go's. One sending may take half a minute, the Lambda a whole one."""
_AGAIN = timedelta(seconds=1)


def channel_context(key: ChannelKey) -> dict[str, str]:
    """What a channel's encrypted secret is bound to."""
    organization, project, name = key
    return {"purpose": "alert-channel", "organization": organization, "project": project, "channel": name}


class DeliveryFault(Protocol):
    def __call__(self, message: str, **fields: object) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Deliver:
    channels: ChannelStore
    outbox: Outbox
    senders: Senders
    cipher: Cipher
    notifier: AlertNotifier
    clock: Clock
    report: DeliveryFault

    def deliver(self, key: ChannelKey, retry_at: datetime | None = None) -> int:
        """How many messages were delivered. `retry_at` is what the channel waited for, if this is the end of that wait."""
        delivered, began = 0, self.clock()
        for _ in range(_SENDINGS):
            delivery = self.outbox.get_delivery(key)
            now = self.clock()
            if now - began > _BUSY:
                break
            if not delivery.may_send(now):
                self._come_back(key, delivery, retry_at, now)
                return delivered
            waiting = self.outbox.waiting(key, _BATCH)
            if not waiting:
                return delivered
            sent = self._send(key, delivery, waiting)
            if sent is None:
                return delivered
            delivered += sent
        self.notifier.deliver(key, _AGAIN)
        return delivered

    def _come_back(self, key: ChannelKey, delivery: AlertDelivery, retry_at: datetime | None, now: datetime) -> None:
        """Messages may be early. Only that of the wait itself goes on waiting: one is on its way for each channel."""
        if delivery.retry_at and delivery.retry_at == retry_at and now < retry_at:
            self.notifier.deliver(key, retry_at - now, retry_at)

    def _send(self, key: ChannelKey, delivery: AlertDelivery, waiting: Sequence[WaitingMessage]) -> int | None:
        """How many were sent; None if nothing can be sent now. Whoever holds the lease looks again once it is given back."""
        now = self.clock()
        try:
            channel = self.channels.get_channel(*key)
            secret = self.channels.channel_secret(key)
        except NotFound:
            self.outbox.remove(key, waiting)
            return 0
        sender = self.senders[channel.kind]
        later = delivery.has_room_at(now, sender.per_minute)
        if later is not None:
            self._wait(key, replace(delivery, retry_at=later), now)
            return None
        try:
            self.outbox.put_delivery(key, delivery.leased(now, LEASE))
        except Conflict:
            return None
        plain = self.cipher.decrypt(secret, channel_context(key)).decode() if secret else None
        # One that was refused goes alone, so that what is wrong with it is not laid on others.
        batch = waiting[: 1 if waiting[0].refusals else sender.most]
        held = self.outbox.get_delivery(key)
        try:
            sender.send(channel, plain, [each.message for each in batch])
        except ChannelRefused as error:
            self._refused(key, held, batch[0], str(error))
            return None
        except Transient as error:
            self._wait(key, replace(held.failed(self.clock(), error.message), leased_until=None), self.clock())
            return None
        self.outbox.remove(key, batch)
        self.outbox.put_delivery(key, replace(held.sent(self.clock()), leased_until=None))
        return len(batch)

    def _refused(self, key: ChannelKey, held: AlertDelivery, first: WaitingMessage, error: str) -> None:
        now = self.clock()
        if first.refusals + 1 < MOST_REFUSALS:
            self.outbox.refused(key, first)
        else:
            self.outbox.put_dead_letter(key, first)
            self.report("a channel refuses an alert's message", channel=key, message_id=first.message.message_id)
        self._wait(key, replace(held.failed(now, error), leased_until=None), now)

    def _wait(self, key: ChannelKey, delivery: AlertDelivery, now: datetime) -> None:
        """The message that ends the wait is sent first: one without a wait does nothing, a wait without one never ends."""
        if delivery.retry_at is not None:
            self.notifier.deliver(key, delivery.retry_at - now, delivery.retry_at)
        try:
            self.outbox.put_delivery(key, delivery)
        except Conflict:
            return  # somebody else saw to it
