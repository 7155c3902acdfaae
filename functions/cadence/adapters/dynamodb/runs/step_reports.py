"""`StepReportStore` on the `runs` table."""

from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.step_progress import StepProgress, StepReport
from cadence.domain.shared.errors import Conflict


class StepReportItem(RunsTable):
    PREFIX: ClassVar[str] = "STEPS#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    attempt = NumberAttribute()
    revision = NumberAttribute()
    steps = JSONAttribute()

    def report(self) -> StepReport:
        return StepReport(
            run_id=self.run_id,
            treatment=self.treatment,
            attempt=int(self.attempt),
            revision=int(self.revision),
            steps=tuple(_progress(step) for step in self.steps),
        )


class DynamoStepReports:
    """Implements StepReportStore."""

    def __init__(self, table_name: str) -> None:
        bind(StepReportItem, table_name)

    def put_steps(self, report: StepReport) -> None:
        item = StepReportItem(
            partition(report.run_id),
            f"{_prefix(report.treatment)}{report.attempt:04}",
            run_id=report.run_id,
            treatment=report.treatment,
            attempt=report.attempt,
            revision=report.revision,
            steps=[_step_json(step) for step in report.steps],
        )
        unless_newer = StepReportItem.revision.does_not_exist() | (StepReportItem.revision <= report.revision)
        # A newer report is there already.
        with suppress(Conflict), translated(f"the steps of {report.treatment}"):
            item.save(unless_newer)

    def get_steps(self, run_id: str, treatment: str, attempt: int | None = None) -> StepReport | None:
        of_attempt = "" if attempt is None else f"{attempt:04}"
        with translated(f"the steps of {treatment}"):
            newest = StepReportItem.query(
                partition(run_id),
                StepReportItem.sk.startswith(_prefix(treatment) + of_attempt),
                consistent_read=True,
                scan_index_forward=False,
                limit=1,
            )
            return next((item.report() for item in newest), None)


def _prefix(treatment: str) -> str:
    return f"{StepReportItem.PREFIX}{treatment}#"


def _step_json(step: StepProgress) -> dict[str, Any]:
    times = {"started_at": step.started_at, "finished_at": step.finished_at}
    fields = {name: at.isoformat() for name, at in times.items() if at is not None}
    return {"state": step.state, **fields, **({} if step.exit_code is None else {"exit_code": step.exit_code})}


def _progress(stored: dict[str, Any]) -> StepProgress:
    times = {name: datetime.fromisoformat(stored[name]) for name in ("started_at", "finished_at") if stored.get(name)}
    return StepProgress(state=stored["state"], exit_code=stored.get("exit_code"), **times)
