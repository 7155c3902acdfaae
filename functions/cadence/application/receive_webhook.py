"""Takes a webhook in: checks its signature and queues it, nothing more, so that the git host is answered at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cadence.application.access_ports import Cipher, GitHostStore
from cadence.application.add_githost import secret_context
from cadence.application.delivery_ports import Delivery, DeliveryQueue
from cadence.domain import github
from cadence.domain.errors import InvalidRequest, NotFound, Unauthenticated, Violation

_ACTED_ON = frozenset({"push"})
_LONGEST_ID = 200


class Received(StrEnum):
    PONG = "pong"
    QUEUED = "queued"
    IGNORED = "ignored"


@dataclass(frozen=True)
class ReceiveWebhook:
    githosts: GitHostStore
    cipher: Cipher
    queue: DeliveryQueue

    def __call__(self, kind: str, githost_id: str, headers: Mapping[str, str], body: bytes) -> Received:
        """`headers` by lower-case name, `body` as it was sent.

        Raises Unauthenticated, in the same words for an unknown address, a wrong kind and a wrong signature; InvalidRequest for
        a signed webhook that cannot be understood.
        """
        secret = self._secret(kind, githost_id)
        if not github.signed(body, secret or b"unknown", headers.get(github.SIGNATURE_HEADER, "")) or secret is None:
            raise Unauthenticated("The webhook's address or signature is wrong.")
        event = headers.get(github.EVENT_HEADER, "")
        if event == "ping":
            return Received.PONG
        if event not in _ACTED_ON:
            return Received.IGNORED
        delivery_id = headers.get(github.DELIVERY_HEADER, "")
        if not 0 < len(delivery_id) <= _LONGEST_ID:
            message = f"The header {github.DELIVERY_HEADER} is missing or longer than {_LONGEST_ID} characters."
            raise InvalidRequest(message, [Violation(github.DELIVERY_HEADER, message)])
        content_type = headers.get("content-type", "")
        github.read_push(github.read_payload(body, content_type))
        self.queue.put(Delivery(githost_id, delivery_id, event, content_type, body))
        return Received.QUEUED

    def _secret(self, kind: str, githost_id: str) -> bytes | None:
        if len(githost_id) > _LONGEST_ID:  # no store could look for it
            return None
        try:
            githost = self.githosts.get_githost(githost_id)
            encrypted = self.githosts.webhook_secret(githost_id)
        except NotFound:
            return None
        if githost.kind != kind:
            return None
        return self.cipher.decrypt(encrypted, secret_context(githost_id))
