"""Treatment machine, states Settle and SettleUnplaced: the machine's whole state. Returns `{"next": "retry" or "done"}`."""

from cadence.adapters.machine_boundary import Event, machine_task
from cadence.application.settle import MachineError
from cadence.composition import scheduling

settle = scheduling.settle()


def task(event: Event) -> dict[str, str]:
    placement = event.get("placement")
    attempt = placement["decision"]["attempt"] if placement else None
    return {"next": settle(event["run_id"], event["treatment"], attempt, MachineError.caught(event.get("error")))}


handler = machine_task("settle", task)
