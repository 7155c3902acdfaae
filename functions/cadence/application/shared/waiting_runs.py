"""Answers the treatment of another run that waits for the end of a run."""

from cadence.application.shared.run_ports import Machines
from cadence.domain.runs.run import Run


def answer_waiting(machines: Machines, run: Run) -> None:
    """Lets the treatment of another run that waits for the end of `run`, which is final, go on. Safe to repeat."""
    if run.waiting_token:
        machines.succeed(run.waiting_token, {"next": "again"})
