"""Treatment machine, state Act: `{run_id, treatment, task_token}`.

The token is answered with `{"next": "done" or "again"}`.
"""

from cadence.adapters.lambda_runtime.machine_boundary import Event, token_task
from cadence.composition import groups

act, machines = groups.act()


def task(event: Event) -> None:
    act.control(event["run_id"], event["treatment"], event["task_token"])


handler = token_task("act", task, machines)
