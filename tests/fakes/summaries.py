"""Summaries of jobs in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cadence.domain.runs.job_summary import JobSummary


@dataclass
class MemorySummaries:
    """Implements SummaryStore."""

    summaries: dict[tuple[str, str], JobSummary] = field(default_factory=dict)

    def put_summary(self, summary: JobSummary) -> None:
        key = (summary.run_id, summary.treatment)
        known = self.summaries.get(key)
        if known is None or known.attempt <= summary.attempt:
            self.summaries[key] = summary

    def list_summaries(self, run_id: str) -> Sequence[JobSummary]:
        return [summary for key, summary in sorted(self.summaries.items()) if key[0] == run_id]
