"""Treatment machine, states Launch and Release: `{operation: start, run_id, treatment, placement, task_token}`
or `{operation: stop, run_id, treatment, runner_id}`."""

from cadence.adapters.machine_boundary import Event, token_task
from cadence.composition.provider_host import provider_host
from cadence.domain.errors import InvalidRequest
from cadence.providers.lifecycle import Launch

start, release, machines = provider_host()


def task(event: Event) -> None:
    match event["operation"]:
        case "start":
            placement = event["placement"]
            start(
                Launch(
                    run_id=event["run_id"],
                    treatment=event["treatment"],
                    runner_id=placement["runner_id"],
                    attempt=placement["attempt"],
                    pool=placement["pool"],
                    provider=placement["provider"],
                    function=placement["function"],
                    boot_deadline=placement["boot_deadline"],
                    priority=placement.get("priority", 0),
                    task_token=event["task_token"],
                )
            )
        case "stop":
            release(event["runner_id"])
        case other:
            raise InvalidRequest(f"A provider knows no operation {other!r}: start and stop are all.")


handler = token_task("provider_host", task, machines)
