"""Treatment machine, state Place: `{run_id, treatment, task_token, state}`; the token is answered with the next step.
State Await turn: `{operation: "wait", run_id, treatment, task_token}`; the token is answered when the treatment may be placed.

`state` is the machine's whole state: after CapacityExhausted it has `exhausted` and the last placement.
"""

from cadence.adapters.machine_boundary import Event, token_task
from cadence.composition import scheduling
from cadence.domain.pool import Placement

place, gates, machines = scheduling.place()


def task(event: Event) -> None:
    if event.get("operation") == "wait":
        gates.wait(event["run_id"], event["treatment"], event["task_token"])
        return
    state = event["state"]
    refused = Placement.from_json(state["decided"]["placement"]) if "exhausted" in state else None
    place(event["run_id"], event["treatment"], state["attempt"], event["task_token"], refused)


handler = token_task("place", task, machines)
