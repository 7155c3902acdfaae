"""Texts of summaries in the buckets of pools that have one of their own."""

import logging
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.s3.buckets import Buckets
from cadence.application.shared.value_ports import ValueRetentionStore
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.value_retention import bucket_of

_log = logging.getLogger("cadence.summaries")


@dataclass(frozen=True)
class S3SummaryTexts:
    """Keeps the texts of summaries where the values of their attempts are kept."""

    buckets: Buckets
    retentions: ValueRetentionStore

    def bucket(self, summary: JobSummary) -> str | None:
        """Returns the bucket of the pool whose runner wrote a summary; None: the pool has none of its own."""
        if not self.buckets.others:
            return None
        noted = self.retentions.list(summary.run_id, [summary.treatment])
        return next((bucket_of(one.retention) for one in noted if one.attempt == summary.attempt), None)

    def write(self, summary: JobSummary, bucket: str) -> None:
        """Stores a text. One that the bucket refuses is lost: the treatment has ended, and is not held up by it."""
        s3, name, key = self.buckets.find(ids.summary_key(summary.run_id, summary.treatment, summary.attempt, bucket))
        try:
            s3.put_object(Bucket=name, Key=key, Body=summary.text.encode())
        except (BotoCoreError, ClientError):
            _log.exception("The summary of %s of run %s is lost.", summary.treatment, summary.run_id)

    def read(self, run_id: str, treatment: str, attempt: int, bucket: str) -> str:
        """Returns a text, or, if the bucket does not give it, a sentence that says so."""
        try:
            s3, name, key = self.buckets.find(ids.summary_key(run_id, treatment, attempt, bucket))
            content: bytes = s3.get_object(Bucket=name, Key=key)["Body"].read()
        except (BotoCoreError, ClientError, NotFound):
            return f"This summary is kept in the bucket {bucket} of its pool, which does not give it now."
        return content.decode()
