"""Cancels the run that a treatment of kind `trigger` waits for, when the treatment is cancelled itself."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.shared.identifiers import child_run_id
from cadence.application.shared.run_ports import Deadlines, RunStore, TreatmentStore
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, NotFound


@dataclass(frozen=True)
class StopChildRun:
    """Cancels the runs of treatments of kind `trigger`."""

    runs: RunStore
    treatments: TreatmentStore
    deadlines: Deadlines

    def stop(self, treatment: Treatment, reason: str) -> None:
        """Requests the end of the run that `treatment` waits for. Safe to repeat.

        A run that the treatment does not wait for goes on, as does one that has ended or was not started.
        """
        trigger = self.treatments.get_spec(treatment.run_id, treatment.name).trigger
        if trigger is None or not trigger.wait:
            return
        child = child_run_id(self.runs.get_run(treatment.run_id), treatment.name)
        try:
            self.runs.request_stop(
                child, RunState.CANCELLED, f"{reason} ({treatment.name} of run {treatment.run_id} waited for it)"
            )
        except (Conflict, NotFound):
            return
        # The watchdog stops the run's machine, or ends a run that has none yet; its message cannot get lost.
        self.deadlines.watch_run(child, timedelta(0))
