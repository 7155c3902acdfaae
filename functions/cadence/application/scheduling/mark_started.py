"""Marks a treatment as running when its runner's agent has called home, and opens its streams."""

from dataclasses import dataclass, replace

from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.run_ports import Machines, TreatmentStore
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner, session_over
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Cancelled, Conflict, Gone


@dataclass(frozen=True)
class MarkStarted:
    """Moves treatments to running."""

    treatments: TreatmentStore
    readiness: Readiness
    machines: Machines

    def mark(self, runner: Runner, spec: TreatmentSpec, *, ends_retention: bool = False) -> None:
        """Moves the runner's treatment to running and opens its streams.

        `ends_retention` is noted of the treatment. Safe to repeat. Raises Gone if the treatment has settled or goes on
        with another attempt.
        """
        # A repeated claim has the same time.
        claimed = runner.claimed_at
        history = (StateChange(claimed, runner.attempt, TreatmentState.RUNNING),) if claimed else ()
        try:
            begun = self.treatments.advance(
                runner.run_id,
                runner.treatment,
                runner.attempt,
                {TreatmentState.BOOTING, TreatmentState.RUNNING},
                TreatmentState.RUNNING,
                started_at=claimed,
                pool=runner.pool,  # its machine may be of an earlier decision than the treatment's last
                waiting_for=None,
                history=history,
                # Overwrites the value of an earlier attempt.
                retention=runner.retention,
                ends_retention=ends_retention,
            )
        except Conflict:
            raise Gone(f"{runner.treatment} was settled before its runner began.") from None
        if begun.cancel_reason:
            if runner.task_token:
                self.machines.fail(runner.task_token, Cancelled(begun.cancel_reason))
            raise session_over(replace(runner, cancel_reason=begun.cancel_reason))
        if any(port.flow == "stream" for port in spec.outputs):
            self.readiness.opened(runner.run_id, runner.treatment)
