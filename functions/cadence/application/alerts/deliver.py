"""Delivers a channel's messages: all of them, in order, and within the channel's rate.

Messages wait in an outbox. One process at a time sends (a lease), several messages in one request where the channel
takes them. While a channel cannot be reached there is one try at a time, at growing intervals, however many messages
wait.
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
"""The time within which one call begins requests: one may take half a minute, and the Lambda runs for a minute."""
_AGAIN = timedelta(seconds=1)


def channel_context(key: ChannelKey) -> dict[str, str]:
    """Returns the encryption context to which a channel's secret is bound."""
    organization, project, name = key
    return {"purpose": "alert-channel", "organization": organization, "project": project, "channel": name}


class DeliveryFault(Protocol):
    """Reports a delivery that failed for good."""

    def __call__(self, message: str, **fields: object) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Deliver:
    """Delivers the messages in channels' outboxes."""

    channels: ChannelStore
    outbox: Outbox
    senders: Senders
    cipher: Cipher
    notifier: AlertNotifier
    clock: Clock
    report: DeliveryFault

    def deliver(self, key: ChannelKey, retry_at: datetime | None = None) -> int:
        """Delivers waiting messages and returns how many; `retry_at` is the end of the wait that led to this call."""
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
        """Waits again after a notification that came early, if it is that of the wait: so there is one per channel."""
        if delivery.retry_at and delivery.retry_at == retry_at and now < retry_at:
            self.notifier.deliver(key, retry_at - now, retry_at)

    def _send(self, key: ChannelKey, delivery: AlertDelivery, waiting: Sequence[WaitingMessage]) -> int | None:
        """Sends a batch and returns its size; None if nothing can be sent now.

        A process that holds the lease reads the outbox again when it ends the lease.
        """
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
        # A message that was refused is sent alone, so that others are not refused with it.
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
        """Sends the notification that ends the wait, then stores the wait, which would not end without it."""
        if delivery.retry_at is not None:
            self.notifier.deliver(key, delivery.retry_at - now, delivery.retry_at)
        try:
            self.outbox.put_delivery(key, delivery)
        except Conflict:
            return  # another process has changed the delivery
