"""Treatment machine, state Place: `{run_id, treatment, task_token, state}`; the token is answered with the next step.

State Await turn: `{operation: "wait", run_id, treatment, task_token}`; the token is answered when the treatment may be
placed.

`state` is the machine's whole state: after a launch that its pool refused it has `refused` and the last placement.
"""

from cadence.adapters.lambda_runtime.machine_boundary import Event, token_task
from cadence.application.placement.reconcile_launch import FailedLaunch
from cadence.composition import scheduling

place, gates, machines = scheduling.place()


def task(event: Event) -> None:
    if event.get("operation") == "wait":
        gates.wait(event["run_id"], event["treatment"], event["task_token"])
        return
    state = event["state"]
    place.place(event["run_id"], event["treatment"], state["attempt"], event["task_token"], FailedLaunch.of(state))


handler = token_task("place", task, machines)
