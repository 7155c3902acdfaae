"""Gives a recorded run, which an engine elsewhere executes, its final state once that can be determined."""

from dataclasses import dataclass, replace
from datetime import timedelta

from cadence.application.runs.ports import ReportedStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.domain.melodium.process import Reported
from cadence.domain.runs.engine_outcome import SETTLES, EngineOutcome, outcome, overdue
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import TreatmentState

PATIENCE = timedelta(seconds=60)
"""The longest time between an engine's report of its end and the upload of its last chunks."""
AFTER_END = (SETTLES + timedelta(seconds=1), PATIENCE + timedelta(seconds=5))
"""When to look again after that report."""


@dataclass(frozen=True)
class EndProcess:
    """Ends recorded runs by the reports of their engines."""

    runs: RunStore
    treatments: TreatmentStore
    reported: ReportedStore
    clock: Clock

    def end(self, run_id: str) -> Run:
        """Returns the run as it then stands. Safe to repeat. Raises NotFound."""
        run = self.runs.get_run(run_id)
        if run.state.final or not run.recorded:
            return run
        report = self.reported.get(run_id)
        result = outcome(report, self.reported.evidence(run_id), self.clock(), PATIENCE) or self._overdue(run, report)
        if result is None:
            return run
        ended = self.runs.finish_run(run, result.state, result.cause, report.ended_at or self.clock())
        self._end_elements(ended)
        return ended

    def _end_elements(self, run: Run) -> None:
        """Marks elements lost that had not ended in the engine's last report."""
        cause = "the engine ended, or was lost, before it reported this treatment's end"
        lost = [
            (
                self.treatments.get_spec(run.run_id, element.name),
                replace(element, state=TreatmentState.LOST, cause=cause, finished_at=run.finished_at),
            )
            for element in self.treatments.list_elements(run.run_id)
            if not element.state.final
        ]
        self.treatments.put_elements(run.run_id, lost, [])

    def _overdue(self, run: Run, report: Reported) -> EngineOutcome | None:
        if self.clock() < run.created_at + timedelta(seconds=run.max_duration):
            return None
        last = max(filter(None, (run.created_at, report.reporting_at, report.launched_at)))
        return overdue(last, run.max_duration)
