"""The boundary between a state machine and a use case.

It writes one log line for each call, and raises errors under the names that the machines know.
"""

import functools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import may_succeed_later
from cadence.adapters.lambda_runtime import fault_report
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.application.shared.run_ports import Machines
from cadence.domain.shared.errors import CadenceError, Transient

Event = Mapping[str, Any]
Task = Callable[[Event], Mapping[str, Any] | None]
LambdaHandler = Callable[[Event, Any], Mapping[str, Any]]

_SUBJECT = ("run_id", "treatment", "operation", "runner_id")


def machine_task(name: str, task: Task) -> LambdaHandler:
    """Returns a handler for a state that waits for the Lambda itself.

    Errors are raised, and the machine sees their class's name.
    """
    log = service_logger(name)

    @functools.wraps(task)
    def handler(event: Event, context: Any) -> Mapping[str, Any]:
        began = time.perf_counter()
        try:
            output = task(event) or {}
        except Exception as error:
            known = as_known(error)
            _log_failure(log, name, event, known, error)
            raise known from error
        log.info(name, extra=_facts(event) | {"duration_ms": round((time.perf_counter() - began) * 1000, 1)})
        return output

    return handler


def token_task(name: str, task: Task, machines: Machines) -> LambdaHandler:
    """Returns a handler for a state that waits on a task token: errors are reported through the token.

    Its cause is then the error's message; that of an error that the Lambda raised would be a JSON text.
    """
    inner = machine_task(name, task)

    @functools.wraps(task)
    def handler(event: Event, context: Any) -> Mapping[str, Any]:
        try:
            return inner(event, context)
        except CadenceError as error:
            if "task_token" not in event:
                raise
            machines.fail(event["task_token"], error)
            return {}

    return handler


def as_known(error: Exception) -> CadenceError:
    """Returns `error` as one of the domain's errors.

    Any other error becomes an internal error, without its own text, which may hold anything.
    """
    if isinstance(error, CadenceError):
        return error
    if may_succeed_later(error):
        operation = error.operation_name if isinstance(error, ClientError) else type(error).__name__
        return Transient(f"an AWS call did not get through: {operation}")
    return CadenceError(f"internal error ({type(error).__name__}); the control plane's log has the details")


def _log_failure(log: logging.Logger, name: str, event: Event, error: CadenceError, cause: Exception) -> None:
    expected = type(error) is not CadenceError
    log.log(
        logging.WARNING if expected else logging.ERROR,
        "%s: %s: %s",
        name,
        type(error).__name__,
        error.message,
        extra=_facts(event) | ({} if expected else fault_report.report(cause)),
    )


def _facts(event: Event) -> dict[str, Any]:
    return {key: event[key] for key in _SUBJECT if key in event}
