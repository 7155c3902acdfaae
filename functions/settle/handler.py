"""Treatment machine, states Settle and SettleUnplaced: the machine's whole state. Returns `{"next": "done", "retry" or "wait", "wait_seconds"}`."""

from typing import Any

from cadence.adapters.machine_boundary import Event, machine_task
from cadence.application.settle import MachineError, following
from cadence.composition import scheduling

settle = scheduling.settle()


def task(event: Event) -> dict[str, Any]:
    placement = event.get("placement")
    attempt = placement["decision"]["attempt"] if placement else None
    settled = settle(event["run_id"], event["treatment"], attempt, MachineError.caught(event.get("error")))
    return {"next": following(settled), "wait_seconds": settled.wait_seconds}


handler = machine_task("settle", task)
