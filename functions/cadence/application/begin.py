"""A runner's agent has called home: its treatment runs, and its streams are open."""

from dataclasses import dataclass

from cadence.application.feed import Feeder
from cadence.application.ports import RunStore
from cadence.domain.errors import Conflict, Gone
from cadence.domain.run import TreatmentSpec, TreatmentState
from cadence.domain.runner import Runner


@dataclass(frozen=True)
class Begin:
    runs: RunStore
    feeder: Feeder

    def __call__(self, runner: Runner, spec: TreatmentSpec) -> None:
        """Safe to repeat. Raises Gone if the treatment has settled or goes on with another attempt."""
        try:
            self.runs.advance(
                runner.run_id,
                runner.treatment,
                runner.attempt,
                {TreatmentState.BOOTING, TreatmentState.RUNNING},
                TreatmentState.RUNNING,
                started_at=runner.claimed_at,
            )
        except Conflict:
            raise Gone(f"{runner.treatment} was settled before its runner began.") from None
        if any(port.flow == "stream" for port in spec.outputs):
            self.feeder.opened(runner.run_id, runner.treatment)
