"""Ports that publish events and list who subscribes to them."""

from collections.abc import Sequence
from typing import Protocol

from cadence.domain.exports.event import (
    Audience,
    Event,
    EventKind,
    Subscriptions,
)


class SubscriptionReader(Protocol):
    def get_subscriptions(self, organization: str) -> Subscriptions: ...


class SubscriptionStore(SubscriptionReader, Protocol):
    """What an organization's alert rules and exports need to be told of (table `access`)."""

    def subscribe(self, organization: str, audience: Audience, kinds: frozenset[EventKind]) -> None:
        """Replaces what `audience` is told of. It counts within some seconds."""


class Events(Protocol):
    def tell(self, audience: Audience, events: Sequence[Event]) -> None:
        """Durably, in any order, each at least once. Raises Transient if some could not be taken."""
