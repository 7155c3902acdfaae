"""A run is cancelled, overdue or broken: everything of it that has not ended is ended, and the machine waits until that is so."""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.admit import Admission
from cadence.application.feed import Feeder
from cadence.application.ports import Clock, Machines, RunnerStore, RunStore
from cadence.application.settle import MachineError
from cadence.domain import ids
from cadence.domain.errors import Cancelled, Conflict, NotFound
from cadence.domain.run import Run, RunState, Treatment, TreatmentState
from cadence.domain.runner import RunnerState

_NOT_PLACED = frozenset({TreatmentState.PENDING, TreatmentState.READY, TreatmentState.PLACING})
_LIVE_RUNNERS = frozenset({RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED})


@dataclass(frozen=True)
class StopRun:
    runs: RunStore
    admission: Admission
    runners: RunnerStore
    machines: Machines
    feeder: Feeder
    clock: Clock

    def __call__(self, run_id: str, stop_token: str, error: MachineError) -> None:
        """Keeps `stop_token`, which is answered when the last treatment has settled. Safe to repeat."""
        run = self._request(run_id, error)
        self.runs.keep_stop_token(run_id, stop_token)
        # An admission that was interrupted is completed first, so that the count of what has not settled can reach zero.
        with suppress(NotFound):  # without a plan there are no treatments
            self.admission(run)
        treatments = self.runs.list_treatments(run_id)
        reason = run.cause or "the run was stopped"
        for treatment in treatments:
            if not treatment.state.final:
                self._stop(treatment, reason)
        if treatments:
            self.feeder.answer_when_all_settled(run_id)
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

    def _stop(self, treatment: Treatment, reason: str) -> None:
        if treatment.state in _NOT_PLACED:
            try:
                self.runs.settle(treatment, TreatmentState.CANCELLED, reason, None, self.clock())
                return
            except Conflict:
                treatment = self.runs.get_treatment(treatment.run_id, treatment.name)
        runner_id = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        try:
            runner = self.runners.change_runner(runner_id, _LIVE_RUNNERS, cancel_reason=reason)
        except (Conflict, NotFound):
            return  # it is between two steps of its machine; each step looks at the run before it goes on
        if runner.task_token:
            self.machines.fail(runner.task_token, Cancelled(reason))
