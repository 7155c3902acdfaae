"""WebSocket API: pushes a query's new lines to the clients that follow it."""

from typing import Any

from cadence.adapters.http.socket_event import (
    ANSWERED,
    SocketEvent,
    json_message,
    post_problem,
    socket_event,
    text_field,
)
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.live import push_lines
from cadence.domain.shared.errors import CadenceError, Gone, InvalidRequest, Violation

log = service_logger("live")
push = push_lines()

_EXAMPLE = '{"action": "subscribe", "token": "cad_…", "q": "level:error"}'


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles an event of the WebSocket API.

    One without `requestContext` is a notice of an organization's new lines.
    """
    if "requestContext" not in event:
        log.info("live", extra={"rung": push.ring(event["organization"])})
        return ANSWERED
    sent = socket_event(event)
    if sent.kind == "DISCONNECT":
        push.close(sent.connection_id)
    elif sent.kind == "MESSAGE":
        _answer(sent)
    return ANSWERED


def _answer(sent: SocketEvent) -> None:
    """Posts errors to the connection, since the client does not see what the handler answers."""
    try:
        _handle_message(sent)
    except Gone as error:
        log.info("a follower came back too late or has gone", extra={"reason": error.message})
        _post_problem(sent.connection_id, error)
    except CadenceError as error:
        _post_problem(sent.connection_id, error)
    except Exception as error:  # noqa: BLE001 - the client gets an internal error, the log gets its cause
        log_fault(log, "a message could not be answered", error)
        _post_problem(sent.connection_id, error)


def _post_problem(connection_id: str, error: Exception) -> None:
    if not post_problem(push.sockets, connection_id, error):
        push.close(connection_id)


def _handle_message(sent: SocketEvent) -> None:
    message = json_message(sent.body, _EXAMPLE)
    action = message.get("action")
    if action == "subscribe":
        push.subscribe(
            sent.connection_id,
            text_field(message, "token"),
            text_field(message, "q", ""),
            text_field(message, "project", "") or None,
            text_field(message, "after", "") or None,
            sent.source,
        )
    elif action == "ping":
        push.ping(sent.connection_id, text_field(message, "after"))
    else:
        raise InvalidRequest(f"There is no action {action!r}.", [Violation("/action", "is one of subscribe and ping")])
