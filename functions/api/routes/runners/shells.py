"""Interactive shells beside the commands of treatments."""

from pydantic import Field

from api.endpoint import Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("runners")


class ShellView(Model):
    shell_id: str
    run_id: str
    runner_id: str
    attempt: int
    tunnel: str = Field(
        description="The WebSocket address where the user and the runner meet; a path is below this address. "
        "docs/architecture/runner-protocol.md describes the protocol."
    )


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/treatments/{treatment}/shells",
    Permission.RUNS_SHELL,
    answers={201: ShellView},
    errors=(404, 409),
)
def open_shell(call: Call, services: Services, run_id: str, treatment: str) -> ShellView:
    """Asks for an interactive shell in the workspace of a treatment that is being run.

    The runner opens it within about ten seconds and ends it together with the treatment's command. The shell has the
    command's environment, secrets included.
    """
    insight = services.look.read(services.visible.get(call.by, run_id))
    spec, stored = services.debugging.look.context(insight, treatment)
    shell_id, runner = services.open_shell.open(call.by, spec, stored)
    return ShellView(
        shell_id=shell_id,
        run_id=runner.run_id,
        runner_id=runner.runner_id,
        attempt=runner.attempt,
        tunnel=services.search.live_url,
    )
