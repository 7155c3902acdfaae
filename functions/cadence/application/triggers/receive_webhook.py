"""Receives webhooks: only checks the signature and queues the webhook, so that the git host is answered at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cadence.application.access.ports import Cipher
from cadence.application.shared.ports import Clock
from cadence.application.triggers.add_githost import secret_context
from cadence.application.triggers.ports import Delivery, DeliveryQueue, GitHostStore, WebhookKey, WebhookKeys
from cadence.domain.shared.errors import InvalidRequest, NotFound, Unauthenticated, Violation
from cadence.domain.triggers.githost import EventSenderKind, GitHostKind, WebhookKind
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.githosts.payload import read_payload
from cadence.domain.triggers.webhook_events import read_webhook_event, signed_now, webhook_id

_LONGEST_ID = 200


class Received(StrEnum):
    """The result of receiving a webhook."""

    PONG = "pong"
    QUEUED = "queued"
    IGNORED = "ignored"


@dataclass(frozen=True)
class ReceiveWebhook:
    """Receives webhooks."""

    keys: WebhookKeys
    cipher: Cipher
    queue: DeliveryQueue
    clock: Clock

    def receive(self, kind: str, githost_id: str, headers: Mapping[str, str], body: bytes) -> Received:
        """Queues a webhook. `headers` have lower-case names, `body` is as it was sent.

        Raises Unauthenticated, with the same message for an unknown address, a wrong kind and a wrong signature;
        InvalidRequest or TooLarge for a signed webhook that cannot be understood.
        """
        if kind == EventSenderKind.GENERIC:
            return self._receive_event(githost_id, headers, body)
        known_kind = next((member for member in GitHostKind if member == kind), None)
        format_ = FORMATS[known_kind or GitHostKind.GITHUB]
        secret = self._secret(known_kind, githost_id) if known_kind else None
        if not format_.signed(headers, body, secret or b"unknown") or secret is None:
            raise Unauthenticated("The webhook's address or signature is wrong.")
        event = headers.get(format_.event_header, "")
        if event in format_.pings:
            return Received.PONG
        if event not in format_.acted_on | format_.commands:
            return Received.IGNORED
        delivery_id = format_.delivery(headers)
        if not 0 < len(delivery_id) <= _LONGEST_ID:
            header = format_.delivery_headers[-1]
            message = f"The header {header} is missing or longer than {_LONGEST_ID} characters."
            raise InvalidRequest(message, [Violation(header, message)])
        content_type = headers.get("content-type", "")
        payload = read_payload(body, content_type)
        if not (format_.command(payload) if event in format_.commands else format_.read(event, payload)):
            return Received.IGNORED
        self.queue.put(
            Delivery(githost_id=githost_id, delivery_id=delivery_id, event=event, content_type=content_type, body=body)
        )
        return Received.QUEUED

    def _receive_event(self, githost_id: str, headers: Mapping[str, str], body: bytes) -> Received:
        secret = self._secret(EventSenderKind.GENERIC, githost_id)
        if not signed_now(headers, body, secret or b"unknown", self.clock()) or secret is None:
            raise Unauthenticated("The webhook's address, signature or timestamp is wrong.")
        delivery_id, event = webhook_id(headers), read_webhook_event(headers, body)
        self.queue.put(
            Delivery(
                githost_id=githost_id,
                delivery_id=delivery_id,
                event=event.type or "webhook",
                content_type="application/json",
                body=event.encode(),
            )
        )
        return Received.QUEUED

    def _secret(self, kind: WebhookKind, githost_id: str) -> bytes | None:
        if len(githost_id) > _LONGEST_ID:  # longer than any stored id
            return None
        key = self.keys.find(githost_id)
        if key is None or key.kind != kind:
            return None
        return self.cipher.decrypt(key.encrypted_secret, key.context)


@dataclass(frozen=True)
class GitHostKeys:
    """Implements WebhookKeys for the addresses of git hosts."""

    githosts: GitHostStore

    def find(self, hook_id: str) -> WebhookKey | None:
        try:
            githost = self.githosts.get_githost(hook_id)
            encrypted = self.githosts.webhook_secret(hook_id)
        except NotFound:
            return None
        return WebhookKey(kind=githost.kind, encrypted_secret=encrypted, context=secret_context(hook_id))
