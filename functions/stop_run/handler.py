"""Run machine, state Stop: `{run_id, task_token, error}`."""

from cadence.adapters.lambda_runtime.machine_boundary import Event, token_task
from cadence.composition import scheduling
from cadence.domain.scheduling.machine_error import MachineError

stop_run, machines = scheduling.stop_run()


def task(event: Event) -> None:
    error = MachineError.caught(event["error"])
    stop_run.stop(event["run_id"], event["task_token"], error or MachineError("InternalError", ""))


handler = token_task("stop_run", task, machines)
