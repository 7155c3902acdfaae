"""Ends a treatment that has not ended by itself: at once if it has no runner, else by telling its runner and its machine."""

from dataclasses import dataclass

from cadence.application.ports import Clock, Machines, RunnerStore, RunStore, WakeUps
from cadence.application.runner_slots import RunnerSlots
from cadence.domain import ids
from cadence.domain.errors import Cancelled, Conflict, NotFound
from cadence.domain.run import Kind, Treatment, TreatmentState
from cadence.domain.runner import RunnerState

_NOT_PLACED = frozenset({TreatmentState.PENDING, TreatmentState.READY, TreatmentState.PLACING})
_LIVE_RUNNERS = frozenset({RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED})


@dataclass(frozen=True)
class EndTreatment:
    runs: RunStore
    runners: RunnerStore
    machines: Machines
    slots: RunnerSlots
    wake_ups: WakeUps
    clock: Clock

    def __call__(self, treatment: Treatment, reason: str) -> bool:
        """True if it has its final state now. Safe to repeat."""
        if treatment.turn_token:
            self.slots.release(treatment)
            self.machines.fail(treatment.turn_token, Cancelled(reason))
        if treatment.state in _NOT_PLACED or treatment.kind is not Kind.COMMAND:
            try:
                self.runs.settle(treatment, TreatmentState.CANCELLED, reason, None, self.clock())
            except Conflict:
                treatment = self.runs.get_treatment(treatment.run_id, treatment.name)
            else:
                if treatment.kind is Kind.EACH:  # its machine waits until no more instances are to be made
                    self.wake_ups.wake(treatment.run_id, treatment.name)
                return True
        if treatment.state.final:
            return True
        runner_id = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        try:
            runner = self.runners.change_runner(runner_id, _LIVE_RUNNERS, cancel_reason=reason)
        except (Conflict, NotFound):
            return False  # it is between two steps of its machine; each step looks before it goes on
        if runner.task_token:
            self.machines.fail(runner.task_token, Cancelled(reason))
        return False
