"""Stops a run that is cancelled, overdue or broken.

Each of its unfinished treatments is ended, and the machine waits until all have settled.
"""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.scheduling.admit import Admission
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.run_ports import Machines, RunStore, TreatmentStore
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class StopRun:
    """Stops runs."""

    runs: RunStore
    treatments: TreatmentStore
    admission: Admission
    end: EndTreatment
    machines: Machines
    readiness: Readiness

    def stop(self, run_id: str, stop_token: str, error: MachineError) -> None:
        """Keeps `stop_token`, which is answered when the last treatment has settled. Safe to repeat."""
        run = self._request(run_id, error)
        self.runs.keep_stop_token(run_id, stop_token)
        # An interrupted admission is completed first, so that the count of unsettled treatments can reach zero.
        with suppress(NotFound):  # without a plan there are no treatments
            self.admission.admission_of(run)
        treatments = self.treatments.list_treatments(run_id)
        reason = run.cause or "the run was stopped"
        unfinished = [treatment for treatment in treatments if not treatment.state.final]
        self.readiness.workers(lambda treatment: self.end.end(treatment, reason), unfinished)
        if treatments:
            self.readiness.answer_when_all_settled(run_id)
        else:
            self.machines.succeed(stop_token, {"run_id": run_id})

    def _request(self, run_id: str, error: MachineError) -> Run:
        run = self.runs.get_run(run_id)
        if run.stop_requested or run.state.final:
            return run
        overdue = error.name in {"TimedOut", "States.Timeout"}
        state = RunState.TIMED_OUT if overdue else RunState.FAILED
        cause = error.cause or (
            "the run took longer than it may" if overdue else f"the run's machine failed: {error.name}"
        )
        return self.runs.request_stop(run_id, state, cause)
