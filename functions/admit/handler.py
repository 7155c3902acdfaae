"""Run machine, state Admit: `{run_id, task_token}`."""

from cadence.adapters.lambda_runtime.machine_boundary import Event, token_task
from cadence.composition import scheduling

admit, machines = scheduling.admit()


def task(event: Event) -> None:
    admit.admit(event["run_id"], event["task_token"])


handler = token_task("admit", task, machines)
