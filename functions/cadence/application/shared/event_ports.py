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
    """Reads which kinds of events an organization's audiences subscribe to."""

    def get_subscriptions(self, organization: str) -> Subscriptions:
        """Returns the organization's subscriptions; none if nothing was subscribed."""


class SubscriptionStore(SubscriptionReader, Protocol):
    """The kinds of events that an organization's alert rules and exports subscribe to (table `access`)."""

    def subscribe(self, organization: str, audience: Audience, kinds: frozenset[EventKind]) -> None:
        """Replaces the kinds that `audience` receives. The change takes effect within some seconds."""


class Events(Protocol):
    """Publishes events to an audience."""

    def tell(self, audience: Audience, events: Sequence[Event]) -> None:
        """Publishes `events` durably, in any order, each at least once. Raises Transient if some could not be taken."""
