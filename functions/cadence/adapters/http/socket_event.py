"""Messages of a WebSocket API: read from a Lambda's event, and answered on the connection."""

import json
from dataclasses import dataclass
from typing import Any

from cadence.adapters.http.problem import problem
from cadence.application.shared.ports import Sockets
from cadence.domain.shared.errors import Gone, InvalidRequest, Violation

# A WebSocket API ignores the body of this answer: messages for the client are posted to its connection.
ANSWERED = {"statusCode": 200}


@dataclass(frozen=True)
class SocketEvent:
    """`kind` is CONNECT, MESSAGE or DISCONNECT; `body` is the message as text, empty without one.

    `source` is the address that the connection came from, empty if the event does not say so.
    """

    connection_id: str
    kind: str
    body: str
    source: str = ""


def socket_event(event: dict[str, Any]) -> SocketEvent:
    """Returns what a WebSocket API's event is about."""
    connection = event["requestContext"]
    source = str((connection.get("identity") or {}).get("sourceIp") or "")
    kind = connection.get("eventType", "MESSAGE")
    return SocketEvent(connection["connectionId"], kind, event.get("body") or "", source)


def json_message(body: str, example: str = "") -> dict[str, Any]:
    """Returns the message. Raises InvalidRequest, which quotes `example`, if it is not a JSON object."""
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise InvalidRequest(f"Send JSON objects: {example}." if example else "Send JSON objects.")
    return message


def text_field(message: dict[str, Any], name: str, default: str | None = None) -> str:
    """Returns a field of a message, or `default` where it is missing or null.

    Raises InvalidRequest if it is not text.
    """
    value = message.get(name)
    value = default if value is None else value
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is missing or is not text.", [Violation(f"/{name}", "is missing or is not text")])
    return value


def post_problem(sockets: Sockets, connection_id: str, error: Exception, **members: str) -> bool:
    """Posts the problem document of `error`, with further members, to the connection.

    Returns whether the connection is still there.
    """
    try:
        sockets.post(connection_id, json.dumps({"kind": "problem", **problem(error).body, **members}, default=str))
    except Gone:
        return False
    return True
