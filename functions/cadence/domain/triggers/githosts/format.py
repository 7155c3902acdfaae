"""What the webhooks of one kind of git host are like."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.triggers.git_events import GitEvent

Headers = Mapping[str, str]
"""By lower-case name."""
Payload = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class WebhookFormat:
    """`signed` takes the same time for every wrong signature. `acted_on` are events that can start runs, `pings` greetings.

    `read` gets the event's name and the payload; it raises InvalidRequest for one that lacks what makes such an event.
    `delivery_headers` are those of which the first that is there names the delivery, the same when it is sent again.
    `user` is who a repository is read as with an access token.
    """

    event_header: str
    delivery_headers: tuple[str, ...]
    acted_on: frozenset[str]
    signed: Callable[[Headers, bytes, bytes], bool]
    read: Callable[[str, Payload], Sequence[GitEvent]]
    user: str
    home: str | None = None
    pings: frozenset[str] = frozenset()

    def delivery(self, headers: Headers) -> str:
        return next((headers[name] for name in self.delivery_headers if headers.get(name)), "")


def hmac_sha256(body: bytes, secret: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
