"""Following a run: what changed in it since a client last looked."""

from datetime import timedelta

from pydantic import Field

from api.endpoint import Call, Endpoints, Model
from api.routes.runs.insight_shapes import TreatmentSummary
from api.routes.runs.runs import TREATMENTS_PER_PAGE, RunView, treatment_summary
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.runs.run_changes import ChangesPosition

endpoints = Endpoints("runs")


class ChangesQuery(Model):
    after: str | None = Field(None, max_length=40, description="Of an earlier answer; without it, changes from now on.")
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for a first change.")


class RunChangesView(Model):
    """Replace what you have by what is here, by name. The same change may come again."""

    run: RunView
    treatments: list[TreatmentSummary] = Field(description="Those that changed.")
    reload: bool = Field(description="So many treatments changed that the run is to be read again.")
    after: str = Field(description="The position to go on from.")


@endpoints.add(
    "GET", "/v1/runs/{run_id}/changes", Permission.RUNS_READ, answers={200: RunChangesView}, errors=(404, 422)
)
def follow_run(call: Call, services: Services, run_id: str, query: ChangesQuery) -> RunChangesView:
    """Follows the states of a run: tells what changed since a position, as soon as there is something to tell.

    No change is left out, however long the pause was.
    """
    after = ChangesPosition.of(query.after) if query.after else None
    run = services.visible.get(call.by, run_id)
    run, changes = services.follow_run.follow(run, after, timedelta(seconds=query.wait))
    many = len(changes.treatments) > TREATMENTS_PER_PAGE
    return RunChangesView(
        run=RunView.model_validate(run),
        treatments=[] if many else [treatment_summary(treatment) for treatment in changes.treatments],
        reload=many,
        after=str(changes.after),
    )
