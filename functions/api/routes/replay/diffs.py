"""The comparison of any two runs."""

from api.endpoint import Call, Endpoints
from api.routes.replay.diff_shapes import LastPassedView, RunDiffView, run_diff_view
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.scopes import project_scope

endpoints = Endpoints("replays")


@endpoints.add("GET", "/v1/runs/{run_id}/diff/{other}", Permission.RUNS_READ, answers={200: RunDiffView}, errors=(404,))
def diff_runs(call: Call, services: Services, run_id: str, other: str) -> RunDiffView:
    """Compares two runs: the first treatment that differs although its inputs are equal, or the input that changed.

    With `values:read` for both runs, it also tells where the first content differs.
    """
    then, now = services.visible.get(call.by, run_id), services.visible.get(call.by, other)
    reads_values = all(
        call.by.has(Permission.VALUES_READ, project_scope(run.project, pipeline=run.pipeline)) for run in (then, now)
    )
    return run_diff_view(services.replays.diff.compare(then, now, reads_values=reads_values))


@endpoints.add(
    "GET", "/v1/runs/{run_id}/last-passed", Permission.RUNS_READ, answers={200: LastPassedView}, errors=(404,)
)
def show_last_passed(call: Call, services: Services, run_id: str) -> LastPassedView:
    """Shows the newest run of the same pipeline that succeeded before this one."""
    found = services.replays.diff.last_passed(call.by, services.visible.get(call.by, run_id))
    return LastPassedView(run_id=found.run_id if found else None)
