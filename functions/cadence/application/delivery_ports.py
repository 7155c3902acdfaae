"""What receiving webhooks needs from the outside."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
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
