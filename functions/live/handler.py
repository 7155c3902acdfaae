"""WebSocket API: whoever follows a query is told its lines as they come."""

import json
from typing import Any

from cadence.adapters.http.problem import problem
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.live import push_lines
from cadence.domain.shared.errors import CadenceError, Gone, InvalidRequest, Violation

log = service_logger("live")
push = push_lines()

_DONE = {"statusCode": 200}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Without `requestContext` it is the bell: lines of an organization have come."""
    if "requestContext" not in event:
        log.info("live", extra={"rung": push.ring(event["organization"])})
        return _DONE
    connection_id, kind = event["requestContext"]["connectionId"], event["requestContext"]["eventType"]
    if kind == "DISCONNECT":
        push.close(connection_id)
    elif kind == "MESSAGE":
        _answer(connection_id, event.get("body") or "")
    return _DONE


def _answer(connection_id: str, body: str) -> None:
    """What is wrong with a message is said on the connection: nobody sees the answer of this call."""
    try:
        _obey(connection_id, body)
    except Gone as error:
        log.info("a follower came back too late or has gone", extra={"reason": error.message})
        _say(connection_id, error)
    except CadenceError as error:
        _say(connection_id, error)
    except Exception as error:  # noqa: BLE001 - the client is told that it failed, we are told why
        log_fault(log, "a message could not be answered", error)
        _say(connection_id, error)


def _say(connection_id: str, error: Exception) -> None:
    try:
        push.sockets.post(connection_id, json.dumps({"kind": "problem", **problem(error).body}, default=str))
    except Gone:
        push.close(connection_id)


def _obey(connection_id: str, body: str) -> None:
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise InvalidRequest('Send JSON objects: {"action": "subscribe", "token": "cad_…", "q": "level:error"}.')
    action = message.get("action")
    if action == "subscribe":
        push.subscribe(
            connection_id,
            _text(message, "token"),
            _text(message, "q", ""),
            _text(message, "project", "") or None,
            _text(message, "after", "") or None,
        )
    elif action == "ping":
        push.ping(connection_id, _text(message, "after"))
    else:
        raise InvalidRequest(f"There is no action {action!r}.", [Violation("/action", "is one of subscribe and ping")])


def _text(message: dict[str, Any], name: str, default: str | None = None) -> str:
    value = message.get(name)
    value = default if value is None else value
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is missing or is no text.", [Violation(f"/{name}", "is missing or is no text")])
    return value
