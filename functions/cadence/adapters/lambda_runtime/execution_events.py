"""EventBridge's events about executions of the state machines that failed, timed out or were aborted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.scheduling.machine_error import MachineError

_SOURCE = "aws.states"
# The error where the event names none.
_WORDS = {
    "TIMED_OUT": MachineError("States.Timeout", "its state machine took longer than it may"),
    "ABORTED": MachineError("Aborted", "its execution in Step Functions was stopped by hand"),
}


@dataclass(frozen=True, kw_only=True)
class BrokenExecution:
    """`treatment` is None for an execution of the run machine; `number` counts the executions of one run from 1."""

    name: str
    run_id: str
    treatment: str | None
    number: int
    error: MachineError


def is_execution_event(message: Mapping[str, Any]) -> bool:
    return message.get("source") == _SOURCE


def broken_execution(event: Mapping[str, Any]) -> BrokenExecution:
    detail = event["detail"]
    machine_input = json.loads(detail["input"])
    run_id, name = machine_input["run_id"], detail["name"]
    number = name.removeprefix(run_id).lstrip("-") if "treatment" not in machine_input else ""
    return BrokenExecution(
        name=name,
        run_id=run_id,
        treatment=machine_input.get("treatment"),
        number=int(number or 1),
        error=_error(detail),
    )


def _error(detail: Mapping[str, Any]) -> MachineError:
    caught = (
        MachineError.caught({"Error": detail["error"], "Cause": detail.get("cause") or ""})
        if detail.get("error")
        else None
    )
    return caught or _WORDS.get(detail["status"]) or MachineError(detail["status"], "")
