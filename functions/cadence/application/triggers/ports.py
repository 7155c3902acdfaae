"""Ports over git hosts and the queue of webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.triggers.githost import GitHost, WebhookKind


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook as received, its signature already checked.

    `delivery_id` is the git host's own id, which stays the same when the webhook is sent again.
    """

    githost_id: str
    delivery_id: str
    event: str
    content_type: str
    body: bytes


class DeliveryQueue(Protocol):
    """The queue of webhooks."""

    def put(self, delivery: Delivery) -> None:
        """Queues a webhook. Returns once it cannot get lost any more."""


@dataclass(frozen=True, kw_only=True)
class WebhookKey:
    """What verifies the webhooks of one address: the kind of their format, and the encrypted secret."""

    kind: WebhookKind
    encrypted_secret: bytes = field(repr=False)
    context: Mapping[str, str]


class WebhookKeys(Protocol):
    """The secrets of webhooks, by the last part of their addresses."""

    def find(self, hook_id: str) -> WebhookKey | None:
        """Returns the key of an address; None if there is no such address."""


class GitHostStore(Protocol):
    """Git hosts with their encrypted secrets."""

    def add_githost(self, githost: GitHost, encrypted_secret: bytes, encrypted_token: bytes | None = None) -> None:
        """Stores a git host. Raises Conflict if the id is taken."""

    def get_githost(self, githost_id: str) -> GitHost:
        """Returns a git host. Raises NotFound."""

    def webhook_secret(self, githost_id: str) -> bytes:
        """Returns the encrypted webhook secret. Raises NotFound."""

    def access_token(self, githost_id: str) -> bytes | None:
        """Returns the encrypted token that reads its repositories, if it has one. Raises NotFound."""

    def put_webhook_secret(self, githost_id: str, encrypted_secret: bytes) -> None:
        """Replaces the webhook secret. Raises NotFound."""

    def put_access_token(self, githost_id: str, encrypted_token: bytes | None) -> None:
        """Replaces or removes the access token. Raises NotFound."""

    def delete_githost(self, organization: str, githost_id: str) -> None:
        """Deletes a git host with its secrets. Deleting an absent one is no error."""

    def list_githosts(self, organization: str) -> Sequence[GitHost]:
        """Returns the git hosts of the organization."""


@dataclass(frozen=True, kw_only=True)
class EventDelivery:
    """A webhook of the kind `generic`, with the runs that it started or the reason why it started none."""

    delivery_id: str
    received_at: datetime
    event: str
    outcome: str
    runs: Sequence[str] = ()


class EventDeliveries(Protocol):
    """The webhooks of senders of the kind `generic`, and their outcomes."""

    def add_event_delivery(self, githost_id: str, delivery: EventDelivery) -> None:
        """Records a delivery; the same one again replaces its record."""

    def list_event_deliveries(self, githost_id: str, limit: int) -> Sequence[EventDelivery]:
        """Returns the newest deliveries of the last 30 days, newest first."""
