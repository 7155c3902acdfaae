"""Fails a state of a state machine whose Lambda failed, under the name that AWS gives to the error.

MiniStack ignores a failed call of a Lambda in a state that waits on a task token, so that the state waits until its
time limit, and calls every other failure of a Lambda `Runtime.HandlerError`, which no Retry and no Catch names.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc, stepfunctions

from cadence.local.ministack.lambda_processes import failure

NOT_RUN = "Lambda.ServiceException"
"""The name of the error of a call that did not reach the Lambda's process."""

_awaited: ContextVar[str | None] = ContextVar("awaited", default=None)
"""The token that the state waits on whose Lambda is being called."""

Answer = dict[str, Any]


def install() -> None:
    """Lets MiniStack fail states in this way."""
    svc: Any = lambda_svc
    states: Any = stepfunctions
    svc._execute_function_warm = with_names(svc._execute_function_warm)  # noqa: SLF001 (no public way, here and below)
    states._invoke_with_callback = remembering_token(states._invoke_with_callback)  # noqa: SLF001
    states._call_lambda = failing_token(states._call_lambda, states._task_tokens)  # noqa: SLF001


def with_names(execute: Callable[..., Answer]) -> Callable[..., Answer]:
    """Returns `execute`, which runs a Lambda, with the error's own name in its answer."""

    def execute_and_name(function: Mapping[str, Any], event: Any, request_id: str) -> Answer:
        before = failure.set(None)
        try:
            answer = execute(function, event, request_id)
            if answer.get("error") and not answer.get("throttle"):
                answer["body"]["errorType"] = failure.get() or NOT_RUN
        finally:
            failure.reset(before)
        return answer

    return execute_and_name


def remembering_token(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `invoke`, which calls a Lambda and waits on a token, with the token known to `failing_token`."""

    def invoke_and_wait(resource: str, payload: Any, token: str, state: Mapping[str, Any]) -> Any:
        before = _awaited.set(token)
        try:
            return invoke(resource, payload, token, state)
        finally:
            _awaited.reset(before)

    return invoke_and_wait


def failing_token(call: Callable[..., Any], tokens: Mapping[str, dict[str, Any]]) -> Callable[..., Any]:
    """Returns `call`, which calls a Lambda, so that its error fails the token as well, unless that was answered."""

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:  # noqa: SLF001
            waiting = tokens.get(_awaited.get() or "")
            if waiting is not None and waiting["result"] is None and waiting["error"] is None:
                waiting["error"] = {"Error": error.error, "Cause": error.cause}
                waiting["event"].set()
            raise

    return call_lambda
