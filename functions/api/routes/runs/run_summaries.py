"""The summaries that treatments of a run wrote."""

from pydantic import Field

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.shapes import Cursor, Limit
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind

endpoints = Endpoints("runs")


class SummaryView(Model):
    treatment: str
    attempt: int
    text: str = Field(description="Markdown as the treatment wrote it, masked: at most 30,000 characters.")


class SummaryList(Model):
    items: list[SummaryView] = Field(description="By treatment.")
    next: str | None = Field(description="The cursor of the next page, null at the end.")


class SummariesQuery(Model):
    limit: Limit = 50
    cursor: Cursor | None = None


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/summaries",
    Permission.LOGS_READ,
    answers={200: SummaryList},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def list_summaries(call: Call, services: Services, run_id: str, query: SummariesQuery) -> SummaryList:
    """Lists the summaries that the treatments of a run wrote into `CADENCE_SUMMARY`."""
    run = services.visible.get(call.by, run_id)
    key, position = services.keys.key("CURSOR"), ("summaries", run.run_id)
    first = int(verify(key, query.cursor, *position)) if query.cursor else 0
    summaries = services.summaries.list_summaries(run.run_id)
    last = first + query.limit
    return SummaryList(
        items=[SummaryView.model_validate(summary) for summary in summaries[first:last]],
        next=sign(key, str(last), *position) if last < len(summaries) else None,
    )
