"""WebSocket API, route `tunnel`: passes bytes on between an engine and its worker on another machine."""

import json
from typing import Any

from cadence.adapters.http.problem import problem
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.application.melodium.tunnels import TunnelSide
from cadence.composition.tunnel import tunnels
from cadence.domain.shared.errors import CadenceError, Gone, InvalidRequest, Violation

log = service_logger("tunnel")
_tunnels = tunnels()
_DONE = {"statusCode": 200}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What is wrong with a message is said on the connection: nobody sees the answer of this call."""
    connection_id = event["requestContext"]["connectionId"]
    try:
        _obey(connection_id, event.get("body") or "")
    except CadenceError as error:
        log.info("refused", extra={"reason": error.message})
        _say(connection_id, error)
    except Exception as error:  # noqa: BLE001 - the end of the tunnel is told that it failed, we are told why
        log_fault(log, "a message could not be passed on", error)
        _say(connection_id, error)
    return _DONE


def _obey(connection_id: str, body: str) -> None:
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise InvalidRequest("Send JSON objects.")
    run_id, side = _text(message, "run"), _text(message, "side")
    if side not in (TunnelSide.ASKING, TunnelSide.WORKER):
        raise InvalidRequest("There is no such side.", [Violation("/side", "is one of asking and worker")])
    if "token" not in message:
        _tunnels.pass_on(connection_id, run_id, TunnelSide(side), message.get("data"))
    elif side == TunnelSide.ASKING:
        _tunnels.join_asking(connection_id, run_id, _text(message, "token"))
    else:
        _tunnels.join_worker(connection_id, run_id, _text(message, "runner"), _text(message, "token"))
    # One line for each call: what runs Lambdas on one machine takes much longer for one that says nothing.
    log.info("tunnel", extra={"run_id": run_id, "side": side, "bytes": len(body)})


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is missing or is no text.", [Violation(f"/{name}", "is missing or is no text")])
    return value


def _say(connection_id: str, error: Exception) -> None:
    try:
        _tunnels.sockets.post(connection_id, json.dumps({"kind": "problem", **problem(error).body}, default=str))
    except Gone:
        log.info("the connection has gone")
