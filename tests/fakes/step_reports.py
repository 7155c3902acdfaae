"""Reports of steps in memory."""

from dataclasses import dataclass, field

from cadence.domain.runs.step_progress import StepReport


@dataclass
class MemoryStepReports:
    """Implements StepReportStore."""

    reports: dict[tuple[str, str], StepReport] = field(default_factory=dict)

    def put_steps(self, report: StepReport) -> None:
        known = self.reports.get((report.run_id, report.treatment))
        if known is None or report.is_newer_than(known):
            self.reports[report.run_id, report.treatment] = report

    def get_steps(self, run_id: str, treatment: str) -> StepReport | None:
        return self.reports.get((run_id, treatment))
