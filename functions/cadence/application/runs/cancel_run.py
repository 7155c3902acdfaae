"""Cancels a run: what has not ended is ended, and the run becomes `cancelled` once that is so."""

from dataclasses import dataclass

from cadence.application.limits.run_gates import RunGates
from cadence.domain.runs.run import Run


@dataclass(frozen=True)
class CancelRun:
    gates: RunGates

    def cancel(self, run_id: str, by: str) -> Run:
        """Safe to repeat. Raises Conflict if the run has ended."""
        return self.gates.cancel(run_id, f"cancelled by {by}")
