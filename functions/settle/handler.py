"""Treatment machine, state Settle: the machine's whole state. Returns the next step."""

from collections.abc import Mapping
from typing import Any

from cadence.adapters.lambda_runtime.machine_boundary import Event, machine_task
from cadence.composition import scheduling
from cadence.domain.scheduling.machine_error import MachineError

settle = scheduling.settle()


def task(event: Event) -> Mapping[str, Any]:
    error = MachineError.caught(event.get("error"))
    return settle.settle(event["run_id"], event["treatment"], event["attempt"], error).as_json()


handler = machine_task("settle", task)
