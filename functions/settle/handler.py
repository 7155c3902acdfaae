"""State `Settle` of the treatment machine, and state `Finalise` of the run machine."""

from collections.abc import Mapping
from typing import Any

from cadence.adapters.lambda_runtime.machine_boundary import Event, machine_task
from cadence.composition import scheduling
from cadence.domain.scheduling.machine_error import MachineError

settle, finalise = scheduling.settle()


def task(event: Event) -> Mapping[str, Any]:
    """Settles a treatment's attempt, given the machine's whole state, and returns the next step.

    With `{"operation": "finalise", "run_id": …}` it ends the run, and returns its final state.
    """
    if event.get("operation") == "finalise":
        run = finalise.finalise(event["run_id"])
        return {"run_id": run.run_id, "state": str(run.state)}
    error = MachineError.caught(event.get("error"))
    return settle.settle(event["run_id"], event["treatment"], event["attempt"], error).as_json()


handler = machine_task("settle", task)
