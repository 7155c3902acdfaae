"""The states of a whole run over time, so that it can be shown as it was at any moment."""

from datetime import datetime

from pydantic import Field

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.routes.runs.runs import TreatmentsQuery
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("runs")

# A Lambda answers with at most 6 MB; a treatment that is retried often has some hundred changes.
_TREATMENTS_PER_PAGE = 1_000


class StateSinceView(Model):
    """From `at` on, `attempt` was in `state`."""

    at: datetime
    attempt: int
    state: str


class TreatmentStatesView(Model):
    name: str
    changes: list[StateSinceView] = Field(description="Every state of every attempt, in order.")


class RunHistoryView(Model):
    treatments: list[TreatmentStatesView] = Field(description="By name.")
    next: str | None = Field(description="The cursor of the next page, null at the end.")


@endpoints.add(
    "GET", "/v1/runs/{run_id}/history", Permission.RUNS_READ, answers={200: RunHistoryView}, errors=(404, 422)
)
def show_run_history(call: Call, services: Services, run_id: str, query: TreatmentsQuery) -> RunHistoryView:
    """Shows each state that the treatments of a run have been in, and since when."""
    run = services.visible.get(call.by, run_id)
    listing, key = ("history", run.run_id), services.keys.key("CURSOR")
    after = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.treatments.page_of_treatments(run.run_id, _TREATMENTS_PER_PAGE, after)
    return RunHistoryView(
        treatments=[
            TreatmentStatesView(
                name=treatment.name,
                changes=[StateSinceView.model_validate(change) for change in treatment.history],
            )
            for treatment in page.items
        ],
        next=sign(key, page.after, *listing) if page.after else None,
    )
