"""`SummaryStore` on the `runs` table."""

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.shared.errors import Conflict


class SummaryItem(RunsTable):
    PREFIX: ClassVar[str] = "SUMMARY#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    attempt = NumberAttribute()
    text = UnicodeAttribute()

    def summary(self) -> JobSummary:
        return JobSummary(self.run_id, self.treatment, int(self.attempt), self.text)


class DynamoSummaries:
    """Implements SummaryStore."""

    def __init__(self, table_name: str) -> None:
        bind(SummaryItem, table_name)

    def put_summary(self, summary: JobSummary) -> None:
        item = SummaryItem(
            partition(summary.run_id),
            SummaryItem.PREFIX + summary.treatment,
            run_id=summary.run_id,
            treatment=summary.treatment,
            attempt=summary.attempt,
            text=summary.text,
        )
        unless_later = SummaryItem.attempt.does_not_exist() | (SummaryItem.attempt <= summary.attempt)
        # A later attempt has written its own.
        with suppress(Conflict), translated(f"the summary of {summary.treatment}"):
            item.save(unless_later)

    def list_summaries(self, run_id: str) -> Sequence[JobSummary]:
        with translated(f"summaries of run {run_id}"):
            return [
                item.summary()
                for item in SummaryItem.query(
                    partition(run_id), SummaryItem.sk.startswith(SummaryItem.PREFIX), consistent_read=True
                )
            ]
