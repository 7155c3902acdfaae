"""Treatment machine, state Execute: `{run_id, treatment, runner_id, task_token}`."""

from cadence.adapters.machine_boundary import Event, token_task
from cadence.composition import scheduling

hold, machines = scheduling.hold()


def task(event: Event) -> None:
    hold(event["run_id"], event["treatment"], event["runner_id"], event["task_token"])


handler = token_task("hold", task, machines)
