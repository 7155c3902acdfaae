"""Webhooks of any sender: signed as in Standard Webhooks, with an event as plain JSON or as a CloudEvent 1.0."""

import base64
import binascii
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from cadence.domain.shared.errors import InvalidRequest, TooLarge, Violation
from cadence.domain.triggers.githosts.format import Headers, same
from cadence.domain.triggers.githosts.payload import LONGEST_TEXT

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
TOLERANCE = timedelta(minutes=5)
"""How far the timestamp of a webhook may be from the time at which it arrives."""
LARGEST_BODY = 65_536
"""Bytes of a body: a run stores its whole event in one item of its table."""

_PREFIX = b"whsec_"
_LONGEST_ID = 200
_MOST_SIGNATURES = 10
_DEEPEST = 32
_LARGEST_INTEGER = 2**63
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch"


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    """An event that a sender reports. `type` is empty if the sender does not name one.

    `source`, `subject` and `time` are attributes of CloudEvents, empty if they are missing. `data` is the event's data,
    or the whole body if it is no CloudEvent.
    """

    id: str
    type: str
    source: str = ""
    subject: str = ""
    time: str = ""
    data: Any = None

    def event(self, sender: str) -> Mapping[str, Any]:
        """Returns the event of the run. `sender` is the name of the registered sender."""
        optional = {"source": self.source, "subject": self.subject, "time": self.time}
        return {
            "kind": "webhook",
            "webhook": sender,
            "id": self.id,
            "type": self.type,
            **{name: value for name, value in optional.items() if value},
            "data": self.data,
        }

    def encode(self) -> bytes:
        """Returns the event as JSON."""
        return json.dumps(asdict(self)).encode()


def decode_webhook_event(body: bytes) -> WebhookEvent:
    """Returns the event from the result of `encode`."""
    return WebhookEvent(**json.loads(body))


def signing_key(secret: bytes) -> bytes:
    """Returns the key of a secret: behind the prefix `whsec_` it is in base64, as Standard Webhooks writes it.

    Raises InvalidRequest if it is not.
    """
    if not secret.startswith(_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        message = "The webhook's secret begins with `whsec_`, but no base64 follows."
        raise InvalidRequest(message, [Violation("/webhook_secret", message)]) from None


def webhook_signature(webhook_id: str, timestamp: str, body: bytes, secret: bytes) -> str:
    """Returns the value of the header `webhook-signature`."""
    content = b".".join((_bytes(webhook_id), _bytes(timestamp), body))
    digest = hmac.new(signing_key(secret), content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed_now(headers: Headers, body: bytes, secret: bytes, now: datetime) -> bool:
    """Whether one of the webhook's signatures is right and its timestamp is within `TOLERANCE` of `now`."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    right = webhook_signature(headers.get(ID_HEADER, ""), timestamp, body, secret)
    given = headers.get(SIGNATURE_HEADER, "").split(" ")[:_MOST_SIGNATURES]
    matches = [same(right, one) for one in given]
    if not any(matches) or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999")):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()


def webhook_id(headers: Headers) -> str:
    """Returns the id of the webhook, which stays the same when it is sent again. Raises InvalidRequest."""
    found = headers.get(ID_HEADER, "")
    # With a full stop, other parts of the signed content could be taken for the id.
    if not 0 < len(found) <= _LONGEST_ID or "." in found:
        message = f"The header {ID_HEADER} is missing, longer than {_LONGEST_ID} characters, or has a full stop."
        raise InvalidRequest(message, [Violation(ID_HEADER, message)])
    return found


def read_webhook_event(headers: Headers, body: bytes) -> WebhookEvent:
    """Returns the event of a webhook: a CloudEvent in structured or binary mode, or any JSON object.

    Raises TooLarge, and InvalidRequest for anything else.
    """
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"The webhook's body has {len(body):,} bytes; {LARGEST_BODY:,} are allowed.")
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith(_BATCH):
        raise InvalidRequest("Batches of CloudEvents are not accepted. Send each event in a request of its own.")
    if content_type == _STRUCTURED:
        return _cloud_event(_object(body))
    if "ce-specversion" in headers:
        attributes = {
            name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
        }
        attributes.pop("data", None)
        return _cloud_event({**attributes, **({"data": _json(body)} if body else {})})
    payload = _object(body)
    kind = payload.get("type")
    return WebhookEvent(
        id=webhook_id(headers), type=_attribute({"type": kind}, "type") if isinstance(kind, str) else "", data=payload
    )


def _cloud_event(attributes: Mapping[str, Any]) -> WebhookEvent:
    if attributes.get("specversion") != "1.0":
        raise InvalidRequest("The CloudEvent's `specversion` is not 1.0.")
    if "data_base64" in attributes:
        raise InvalidRequest("The CloudEvent's data is binary (`data_base64`). Send JSON as `data`.")
    for name in ("id", "source", "type"):
        if not attributes.get(name):
            raise InvalidRequest(f"The CloudEvent lacks `{name}`.")
    texts = {name: _attribute(attributes, name) for name in ("id", "type", "source", "subject", "time")}
    return WebhookEvent(**texts, data=attributes.get("data"))


def _attribute(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidRequest(f"The event's `{name}` is no text, or has control characters.")
    if len(value) > LONGEST_TEXT:
        raise InvalidRequest(f"The event's `{name}` has more than {LONGEST_TEXT:,} characters.")
    return value


def _object(body: bytes) -> Mapping[str, Any]:
    value = _json(body)
    if not isinstance(value, dict):
        raise InvalidRequest("The webhook's body is not a JSON object.")
    return value


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise InvalidRequest("The webhook's body is not JSON.") from None
    _check(value)
    return value


def _check(value: Any) -> None:
    """Raises InvalidRequest for what expressions or the run's table cannot hold."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        if not level:
            return
        for one in level:
            if isinstance(one, float) and not math.isfinite(one):
                raise InvalidRequest("The webhook's body has a number that is not finite.")
            if isinstance(one, int) and not -_LARGEST_INTEGER <= one < _LARGEST_INTEGER:
                raise InvalidRequest("The webhook's body has an integer of more than 64 bits.")
            if isinstance(one, str) and any("\ud800" <= character <= "\udfff" for character in one):
                raise InvalidRequest("The webhook's body has half a surrogate pair.")
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in ((*one.keys(), *one.values()) if isinstance(one, dict) else one)
        ]
    if level:
        raise InvalidRequest(f"The webhook's body is nested more than {_DEEPEST} levels deep.")


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "replace")
