"""Gives a process that somebody else runs its final state, once it can be told."""

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
"""An engine says that it ended before it uploads its last chunks, for which it takes no longer than this."""
AFTER_END = (SETTLES + timedelta(seconds=1), PATIENCE + timedelta(seconds=5))
"""When to look again after it said so."""


@dataclass(frozen=True)
class EndProcess:
    runs: RunStore
    treatments: TreatmentStore
    reported: ReportedStore
    clock: Clock

    def end(self, run_id: str) -> Run:
        """The run as it then stands. Safe to repeat. Raises NotFound."""
        run = self.runs.get_run(run_id)
        if run.state.final or not run.recorded:
            return run
        said = self.reported.get(run_id)
        found = outcome(said, self.reported.evidence(run_id), self.clock(), PATIENCE) or self._overdue(run, said)
        if found is None:
            return run
        ended = self.runs.finish_run(run, found.state, found.cause, said.ended_at or self.clock())
        self._end_elements(ended)
        return ended

    def _end_elements(self, run: Run) -> None:
        """What was under way when the last was heard of it will not end any more."""
        cause = "the engine ended, or was lost, without a word of this treatment's end"
        lost = [
            (
                self.treatments.get_spec(run.run_id, element.name),
                replace(element, state=TreatmentState.LOST, cause=cause, finished_at=run.finished_at),
            )
            for element in self.treatments.list_elements(run.run_id)
            if not element.state.final
        ]
        self.treatments.put_elements(run.run_id, lost, [])

    def _overdue(self, run: Run, said: Reported) -> EngineOutcome | None:
        if self.clock() < run.created_at + timedelta(seconds=run.max_duration):
            return None
        last = max(filter(None, (run.created_at, said.reporting_at, said.launched_at)))
        return overdue(last, run.max_duration)
