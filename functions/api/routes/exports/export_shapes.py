"""Shapes of answers about exports."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from api.endpoint import Model
from cadence.application.metrics.ports import TreatmentCost
from cadence.domain.exports.export import Backfill, Export, ExportBatch, ExportStatus


class StandingView(Model):
    """`pending` counts what is kept until the receiver accepts it, `dead` what was given up.

    `error` is the last refusal.
    """

    failing: bool = Field(description="The receiver accepts nothing: data is kept, or refused for good.")
    failing_since: datetime | None
    error: str | None
    retry_at: datetime | None = Field(description="Null if nothing is kept, as data that is refused for good.")
    delivered_at: datetime | None
    pending: int
    dead: int


class ExportCredentialsView(Model):
    scheme: str


class ExportView(Model):
    name: str
    kind: str
    url: str
    signals: list[str]
    projects: list[str]
    labels: dict[str, str]
    headers: dict[str, str]
    enabled: bool
    credentials: ExportCredentialsView | None = Field(description="Their kind, without the credentials themselves.")
    created_at: datetime
    updated_at: datetime
    standing: StandingView


class ExportList(Model):
    items: list[ExportView]
    next: str | None = None


class TriedView(Model):
    """`answers` has the receiver's answers, by signal."""

    ok: bool
    answers: dict[str, str]


class ExportDeadLetterView(Model):
    """`event` is the id of the event to be sent; without it, the dead letter is a push of metrics."""

    since: datetime
    error: str | None
    event: str | None


class ExportDeadLetterList(Model):
    items: list[ExportDeadLetterView]
    next: str | None = None


class RevivedView(Model):
    redriven: int


class BackfillView(Model):
    """`runs`, `lines`, `spans` and `points` (times for which metrics were sent) count what was sent so far."""

    backfill_id: str
    state: str
    since: datetime
    until: datetime
    signals: list[str]
    runs: int
    lines: int
    spans: int
    points: int
    error: str | None
    requested_at: datetime
    finished_at: datetime | None


class BackfillList(Model):
    items: list[BackfillView]
    next: str | None = None


class TreatmentCostView(Model):
    """The cost of all attempts together. `per_hour` was the price of the pool's runners when the treatment ended."""

    treatment: str
    pool: str
    provider: str
    attempts: int
    seconds: float
    per_hour: float
    amount: float
    currency: str


class TotalView(Model):
    currency: str
    amount: float


class RunCostView(Model):
    run_id: str
    totals: list[TotalView]
    treatments: list[TreatmentCostView]


def export_view(export: Export, standing: ExportStatus) -> ExportView:
    return ExportView(
        name=export.name,
        kind=str(export.kind),
        url=export.url,
        signals=sorted(export.signals),
        projects=list(export.projects),
        labels=dict(export.labels),
        headers=dict(export.headers),
        enabled=export.enabled,
        credentials=ExportCredentialsView(scheme=export.scheme) if export.scheme else None,
        created_at=export.created_at,
        updated_at=export.updated_at,
        standing=StandingView.model_validate(standing),
    )


def dead_letter_view(parcel: ExportBatch) -> ExportDeadLetterView:
    event = parcel.event["id"] if parcel.event else None
    return ExportDeadLetterView(since=parcel.since, error=parcel.error, event=event)


def backfill_view(backfill: Backfill) -> BackfillView:
    values = {name: getattr(backfill, name) for name in BackfillView.model_fields}
    return BackfillView(**{**values, "state": str(backfill.state), "signals": sorted(backfill.signals)})


def run_cost_view(run_id: str, costs: Sequence[TreatmentCost]) -> RunCostView:
    totals: dict[str, float] = defaultdict(float)
    for cost in costs:
        totals[cost.currency] += cost.amount
    return RunCostView(
        run_id=run_id,
        totals=[TotalView(currency=currency, amount=round(amount, 6)) for currency, amount in sorted(totals.items())],
        treatments=[TreatmentCostView.model_validate(cost) for cost in costs],
    )
