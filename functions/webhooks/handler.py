"""HTTP API `POST /webhooks/{kind}/{hook}`: signed webhooks of git hosts and other senders."""

import base64
import binascii
from typing import Any

from cadence.adapters.http.http_event import headers, json_response
from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.application.triggers.receive_webhook import Received
from cadence.composition.webhooks import receive_webhook
from cadence.domain.shared.errors import InvalidRequest
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.webhook_events import ID_HEADER

receive = receive_webhook()

STATUSES = {Received.PONG: 200, Received.QUEUED: 202, Received.IGNORED: 202}


def operation(event: dict[str, Any]) -> str:
    sent = headers(event)
    webhook_format = next(
        (webhook_format for webhook_format in FORMATS.values() if webhook_format.event_header in sent), None
    )
    if webhook_format:
        return f"webhook {sent[webhook_format.event_header][:40]} {webhook_format.delivery(sent)[:80]}"
    return f"webhook {sent[ID_HEADER][:80]}" if ID_HEADER in sent else "webhook"


@answering_problems(service_logger("webhooks"), operation)
def handler(event: dict[str, Any], context: Any) -> Response:
    path = event.get("pathParameters") or {}
    received = receive.receive(path.get("kind", ""), path.get("hook", ""), headers(event), raw_body(event))
    return json_response({"status": str(received)}, STATUSES[received])


def raw_body(event: dict[str, Any]) -> bytes:
    """Returns the bytes that were signed."""
    body = event.get("body") or ""
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeError):
        raise InvalidRequest("The body cannot be read.") from None
