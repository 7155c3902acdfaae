"""Run machine, state Finalise: `{run_id}`."""

from cadence.adapters.lambda_runtime.machine_boundary import Event, machine_task
from cadence.composition import scheduling

finalise = scheduling.finalise()


def task(event: Event) -> dict[str, str]:
    run = finalise.finalise(event["run_id"])
    return {"run_id": run.run_id, "state": str(run.state)}


handler = machine_task("finalise", task)
