"""Ends a treatment that has not ended: at once if it has no runner, else through its runner and its machine."""

from dataclasses import dataclass

from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.end_engine import ask_engine_to_end
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Machines, TreatmentStore, WakeUps
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Cancelled, Conflict, NotFound

_NOT_PLACED = frozenset({TreatmentState.PENDING, TreatmentState.READY, TreatmentState.PLACING})
_LIVE_RUNNERS = frozenset({RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED})


@dataclass(frozen=True, kw_only=True)
class EndTreatment:
    """Cancels treatments."""

    treatments: TreatmentStore
    runners: RunnerStore
    machines: Machines
    slots: RunnerSlots
    wake_ups: WakeUps
    stop_child: StopChildRun
    clock: Clock

    def end(self, treatment: Treatment, reason: str) -> bool:
        """Returns whether the treatment has its final state now. Safe to repeat."""
        if treatment.turn_token:
            self.slots.release(treatment)
            self.machines.fail(treatment.turn_token, Cancelled(reason))
        if treatment.kind is not TreatmentKind.COMMAND:
            return self._without_runner(treatment, reason)
        if treatment.state in _NOT_PLACED:
            try:
                self.treatments.settle(treatment, TreatmentState.CANCELLED, reason, None, self.clock())
            except Conflict:
                treatment = self.treatments.get_treatment(treatment.run_id, treatment.name)
            else:
                return True
        return treatment.state.final or self._stop_runner(treatment, reason)

    def _without_runner(self, treatment: Treatment, reason: str) -> bool:
        if treatment.kind is TreatmentKind.TRIGGER and treatment.state is not TreatmentState.PENDING:
            self.stop_child.stop(treatment, reason)  # first: a treatment with its final state is not processed again
        try:
            self.treatments.settle(treatment, TreatmentState.CANCELLED, reason, None, self.clock())
        except Conflict:
            # It became ready, or began, meanwhile.
            return self._without_runner(self.treatments.get_treatment(treatment.run_id, treatment.name), reason)
        if treatment.kind is TreatmentKind.EACH:  # its machine waits until no more instances are to be made
            self.wake_ups.wake(treatment.run_id, treatment.name)
        return True

    def _stop_runner(self, treatment: Treatment, reason: str) -> bool:
        """Cancels its runner and its machine; returns False, as its end is still to come.

        A runner whose engine works completes by itself, so that the engine's last report is accepted; the watchdog
        ends it if it does not.
        """
        runner_id = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        try:
            runner = self.runners.change_runner(runner_id, _LIVE_RUNNERS, cancel_reason=reason)
        except (Conflict, NotFound):
            return False  # it is between two steps of its machine; each step looks before it goes on
        asked = ask_engine_to_end(self.runners, runner, reason, self.clock())
        if not asked and runner.task_token:
            self.machines.fail(runner.task_token, Cancelled(reason))
        return False
