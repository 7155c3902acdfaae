"""Sends alerts to webhooks of users, signed according to Standard Webhooks (standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from cadence.adapters.alert_channels.http import Poster, encoded
from cadence.application.shared.ports import Clock
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.message import Message


class WebhookSender:
    """Posts `{"version": 1, "messages": [...]}` with at most 50 messages.

    A receiver recognizes a message that it gets twice by its `message_id`.
    """

    most = 50
    per_minute = 30

    def __init__(self, poster: Poster, clock: Clock | Callable[[], datetime]) -> None:
        self._poster, self._clock = poster, clock

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        body = encoded({"version": 1, "messages": [message.to_json() for message in messages]})
        # The same messages have the same webhook id, also when they are sent again.
        identity = hashlib.sha256("\n".join(message.message_id for message in messages).encode()).hexdigest()[:32]
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(secret or "", identity, timestamp, body),
        }
        self._poster.post(channel.settings["url"], body, headers)


def signature(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """Returns `v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base64.

    What follows `whsec_` in a secret is a key in base64.
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        encoded_key = secret.removeprefix("whsec_").rstrip("=").replace("+", "-").replace("/", "_")
        key = base64.urlsafe_b64decode(encoded_key + "=" * (-len(encoded_key) % 4))
    digest = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
