"""Cancels a run: its unfinished treatments are ended, and then the run becomes `cancelled`."""

from dataclasses import dataclass

from cadence.application.limits.run_gates import RunGates
from cadence.domain.runs.run import Run


@dataclass(frozen=True)
class CancelRun:
    """Cancels a run in the name of a user."""

    gates: RunGates

    def cancel(self, run_id: str, by: str) -> Run:
        """Cancels the run and returns it as updated. Safe to repeat. Raises Conflict if the run has ended."""
        return self.gates.cancel(run_id, f"cancelled by {by}")
