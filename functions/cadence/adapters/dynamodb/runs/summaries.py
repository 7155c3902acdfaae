"""`SummaryStore` on the `runs` table."""

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Protocol

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.shared.errors import Conflict


class SummaryTexts(Protocol):
    """Keeps texts of summaries in buckets of pools."""

    def bucket(self, summary: JobSummary) -> str | None:
        """Returns the bucket in which a summary has to be; None: it may be in the table."""

    def write(self, summary: JobSummary, bucket: str) -> None:
        """Stores a text."""

    def read(self, run_id: str, treatment: str, attempt: int, bucket: str) -> str:
        """Returns a text, or a sentence that says why there is none."""


class SummaryItem(RunsTable):
    PREFIX: ClassVar[str] = "SUMMARY#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    attempt = NumberAttribute()
    text = UnicodeAttribute(null=True)
    bucket = UnicodeAttribute(null=True)


class DynamoSummaries:
    """Implements SummaryStore. Without `texts`, summaries in buckets of pools are left out."""

    def __init__(self, table_name: str, texts: SummaryTexts | None = None) -> None:
        bind(SummaryItem, table_name)
        self._texts = texts

    def put_summary(self, summary: JobSummary) -> None:
        bucket = self._texts.bucket(summary) if self._texts else None
        if self._texts and bucket:
            self._texts.write(summary, bucket)
        item = SummaryItem(
            partition(summary.run_id),
            SummaryItem.PREFIX + summary.treatment,
            run_id=summary.run_id,
            treatment=summary.treatment,
            attempt=summary.attempt,
            text=None if bucket else summary.text,
            bucket=bucket,
        )
        unless_later = SummaryItem.attempt.does_not_exist() | (SummaryItem.attempt <= summary.attempt)
        # A later attempt has written its own.
        with suppress(Conflict), translated(f"the summary of {summary.treatment}"):
            item.save(unless_later)

    def list_summaries(self, run_id: str) -> Sequence[JobSummary]:
        with translated(f"summaries of run {run_id}"):
            items = list(
                SummaryItem.query(
                    partition(run_id), SummaryItem.sk.startswith(SummaryItem.PREFIX), consistent_read=True
                )
            )
        return [
            JobSummary(run_id, item.treatment, int(item.attempt), text)
            for item in items
            if (text := self._text(item)) is not None
        ]

    def _text(self, item: SummaryItem) -> str | None:
        if not item.bucket:
            return str(item.text)
        if self._texts is None:
            return None
        return self._texts.read(item.run_id, item.treatment, int(item.attempt), item.bucket)
