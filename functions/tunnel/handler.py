"""WebSocket API, route `tunnel`: passes bytes on between an engine and its worker, or a user and a runner's shell."""

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
from cadence.application.melodium.tunnels import TunnelName, TunnelSide
from cadence.application.runners.shells import is_shell_id
from cadence.composition.tunnel import tunnels
from cadence.domain.shared.errors import CadenceError, InvalidRequest, Violation

log = service_logger("tunnel")
_tunnels = tunnels()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Posts errors to the connection, since the client does not see what this call answers."""
    sent = socket_event(event)
    try:
        _handle_message(sent)
    except CadenceError as error:
        log.info("refused", extra={"reason": error.message})
        _post_problem(sent.connection_id, error)
    except Exception as error:  # noqa: BLE001 - the client gets an internal error, the log gets its cause
        log_fault(log, "a message could not be passed on", error)
        _post_problem(sent.connection_id, error)
    return ANSWERED


def _handle_message(sent: SocketEvent) -> None:
    message = json_message(sent.body)
    run_id, side = text_field(message, "run"), text_field(message, "side")
    if side not in (TunnelSide.ASKING, TunnelSide.WORKER):
        raise InvalidRequest("There is no such side.", [Violation("/side", "is one of asking and worker")])
    tunnel = TunnelName(run_id, _shell(message))
    if "token" not in message:
        _tunnels.pass_on(sent.connection_id, tunnel, TunnelSide(side), message.get("data"))
    elif tunnel.shell:
        runner_id, token = text_field(message, "runner"), text_field(message, "token")
        _tunnels.join_shell(sent.connection_id, tunnel, TunnelSide(side), runner_id, token, sent.source)
    elif side == TunnelSide.ASKING:
        _tunnels.join_asking(sent.connection_id, run_id, text_field(message, "token"), sent.source)
    else:
        runner_id, token = text_field(message, "runner"), text_field(message, "token")
        _tunnels.join_worker(sent.connection_id, run_id, runner_id, token, sent.source)
    # One line for each call: what runs Lambdas on one machine takes much longer for a call that writes nothing.
    log.info("tunnel", extra={"run_id": run_id, "side": side, "bytes": len(sent.body)})


def _shell(message: dict[str, Any]) -> str:
    """Returns the id of the shell that a message belongs to, empty for none. Raises InvalidRequest."""
    if "shell" not in message:
        return ""
    shell_id = text_field(message, "shell")
    if not is_shell_id(shell_id):
        raise InvalidRequest("There is no such shell.", [Violation("/shell", "is an id of a shell")])
    return shell_id


def _post_problem(connection_id: str, error: Exception) -> None:
    if not post_problem(_tunnels.sockets, connection_id, error):
        log.info("the connection has gone")
