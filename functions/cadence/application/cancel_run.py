"""Cancels a run: what has not ended is ended, and the run becomes `cancelled` once that is so."""

from dataclasses import dataclass

from cadence.application.ports import Machines, RunStore
from cadence.domain.errors import Cancelled
from cadence.domain.run import Run, RunState


@dataclass(frozen=True)
class CancelRun:
    runs: RunStore
    machines: Machines

    def __call__(self, run_id: str, by: str) -> Run:
        """Safe to repeat. Raises Conflict if the run has ended."""
        run = self.runs.request_stop(run_id, RunState.CANCELLED, f"cancelled by {by}")
        if run.machine_token:
            self.machines.fail(run.machine_token, Cancelled(run.cause or "cancelled"))
        return run
