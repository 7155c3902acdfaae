"""WebSocket API: pushes a query's new lines to the clients that follow it, and the changes of runs to watchers."""

from functools import partial
from typing import Any

from cadence.adapters.dynamodb.runs.state_changes import changed_lists, read_delta, records_by_run
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
from cadence.composition.live import follow_lines, push_lines, watch_runs
from cadence.domain.shared.errors import CadenceError, Gone, InvalidRequest, Violation

log = service_logger("live")
_follow = follow_lines()
push = push_lines(_follow)
runs = watch_runs(_follow)

_ACTIONS = "is one of subscribe, watch, unwatch and ping"
_EXAMPLE = '{"action": "subscribe", "token": "cad_…", "q": "level:error"}'


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles an event of the WebSocket API.

    One with `Records` is a batch of changes of the table `runs`. Any other without `requestContext` is a notice of what
    is new in a run: lines, or bytes of its streams.
    """
    if "Records" in event:
        # Most changes are watched by nobody: then one read tells it for all of them.
        records = event["Records"] if runs.is_needed() else []
        sent_to = sum(
            runs.publish(run_id, partial(read_delta, changes)) for run_id, changes in records_by_run(records).items()
        )
        sent_to += sum(map(runs.ring_list, changed_lists(records)))
        log.info("states", extra={"records": len(event["Records"]), "watchers": sent_to})
        return ANSWERED
    if "requestContext" not in event:
        rung = runs.ring_run(event["run"], event["of"])
        if event["of"] == "lines":
            rung += push.ring(event["organization"])
        log.info("live", extra={"rung": rung})
        return ANSWERED
    sent = socket_event(event)
    if sent.kind == "DISCONNECT":
        _close(sent.connection_id)
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


def _watch(sent: SocketEvent, message: dict[str, Any]) -> None:
    run_id = text_field(message, "run", "")
    token, ticket = text_field(message, "token", ""), text_field(message, "ticket", "")
    try:
        runs.watch(sent.connection_id, run_id or None, token, ticket, sent.source)
    except CadenceError as error:
        if not run_id:
            raise
        # A connection may watch other runs, which go on: it is said which one does not.
        _post_problem(sent.connection_id, error, run=run_id)


def _post_problem(connection_id: str, error: Exception, **members: str) -> None:
    if not post_problem(push.sockets, connection_id, error, **members):
        _close(connection_id)


def _close(connection_id: str) -> None:
    push.close(connection_id)
    runs.close(connection_id)


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
    elif action == "ping" and "after" in message:
        push.ping(sent.connection_id, text_field(message, "after"))
    elif action == "ping":
        runs.ping(sent.connection_id)
    elif action == "watch":
        _watch(sent, message)
    elif action == "unwatch":
        runs.unwatch(sent.connection_id, text_field(message, "run", "") or None)
    else:
        raise InvalidRequest(f"There is no action {action!r}.", [Violation("/action", _ACTIONS)])
