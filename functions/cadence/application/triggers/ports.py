"""What receiving webhooks needs from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.domain.triggers.githost import GitHost


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook as it came, its signature already checked. `delivery_id` is the git host's own, the same when it sends it again."""

    githost_id: str
    delivery_id: str
    event: str
    content_type: str
    body: bytes


class DeliveryQueue(Protocol):
    def put(self, delivery: Delivery) -> None:
        """Returns once it cannot get lost any more."""


class GitHostStore(Protocol):
    def add_githost(self, githost: GitHost, encrypted_secret: bytes, encrypted_token: bytes | None = None) -> None:
        """Raises Conflict if the id is taken."""

    def get_githost(self, githost_id: str) -> GitHost:
        """Raises NotFound."""

    def webhook_secret(self, githost_id: str) -> bytes:
        """The encrypted webhook secret. Raises NotFound."""

    def access_token(self, githost_id: str) -> bytes | None:
        """The encrypted token that reads its repositories, if it has one. Raises NotFound."""

    def list_githosts(self, organization: str) -> Sequence[GitHost]: ...
