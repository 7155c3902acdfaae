"""What a treatment has to pass once its inputs exist: its environment's approvals, then a slot where runners are
limited.

Its machine waits on a token of its own, so that nothing is polled: an approval, or an entry that leaves, answers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cadence.application.limits.approvals import TreatmentApprovals
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.shared.run_ports import Machines, RunStore, TreatmentStore
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.pool import Pool
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Cancelled, Conflict, MustWait

_UNPLACED = frozenset({TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING})


@dataclass(frozen=True, kw_only=True)
class TreatmentGates:
    """Takes treatments through their gates."""

    runs: RunStore
    treatments: TreatmentStore
    machines: Machines
    approvals: TreatmentApprovals
    slots: RunnerSlots

    def passed(
        self, run: Run, spec: TreatmentSpec, treatment: Treatment, pools: Sequence[Pool]
    ) -> tuple[Sequence[Pool], dict[str, Any]]:
        """Returns the pools that may give the runner, and the fields to note of the treatment with its next step.

        Raises MustWait (what it waits for is noted), NotApproved, Cancelled. Safe to repeat.
        """
        if spec.environment is not None:
            reason = self.approvals.missing(run, spec.environment, treatment.name)
            if reason is not None:
                raise self._must_wait(treatment, reason, ())
        slot = self.slots.take(run, treatment, spec.priority or run.priority, pools)
        if slot.waiting_for is not None:
            raise self._must_wait(treatment, slot.waiting_for, slot.concurrency_limits)
        noted: dict[str, Any] = {}
        if slot.concurrency_limits or treatment.concurrency_limits or treatment.waiting_for:
            noted = {"concurrency_limits": slot.concurrency_limits, "waiting_for": None, "turn_token": None}
        return slot.pools, noted

    def wait(self, run_id: str, name: str, token: str) -> None:
        """Keeps the token until it is the treatment's turn, and answers it at once if that is now. Raises Cancelled."""
        treatment = self.note(self.treatments.get_treatment(run_id, name), turn_token=token)
        # Checked after the token is kept: any later decision, leaving entry or stop of the run finds the token.
        run = self.runs.get_run(run_id)
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        if treatment.cancel_reason:
            raise Cancelled(treatment.cancel_reason)
        if self._may_go_on(treatment):
            self.machines.succeed(token, {})

    def _may_go_on(self, treatment: Treatment) -> bool:
        if not treatment.concurrency_limits:
            return self.approvals.decided(treatment.run_id, treatment.name)
        return self.slots.may_go_on(treatment)

    def _must_wait(self, treatment: Treatment, reason: str, concurrency_limits: tuple[str, ...]) -> MustWait:
        self.note(treatment, waiting_for=reason, concurrency_limits=concurrency_limits)
        return MustWait(f"{treatment.name} waits for {reason}")

    def note(self, treatment: Treatment, **changes: Any) -> Treatment:
        """Changes fields of a treatment that is not placed yet. Raises Cancelled if it was settled."""
        if treatment.state not in _UNPLACED:
            raise Cancelled(f"{treatment.name} was settled before its turn came")
        try:
            return self.treatments.advance(
                treatment.run_id, treatment.name, treatment.attempt, {treatment.state}, treatment.state, **changes
            )
        except Conflict:
            raise Cancelled(f"{treatment.name} was settled before its turn came") from None
