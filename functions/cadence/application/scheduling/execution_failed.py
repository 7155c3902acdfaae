"""A state machine's execution ended outside of Cadence's own code: timed out, aborted, failed, or lost with its service.

Whatever waited for it would wait in vain, so what it was to do is done here.
"""

from dataclasses import dataclass

from cadence.application.runs.finalise import Finalise
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.run_ports import Machines, RunStore
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Conflict, NotFound

# Executions that a run may have: its own, and those that only end it. Each tries for minutes before it fails.
_MOST_EXECUTIONS = 3
# A treatment that moves at this very moment is read again.
_ATTEMPTS = 5


@dataclass(frozen=True)
class ExecutionFailed:
    """Both are safe to repeat, and leave alone what has its final state."""

    runs: RunStore
    machines: Machines
    settle: Settle
    finalise: Finalise

    def of_treatment(self, run_id: str, treatment: str, error: MachineError) -> None:
        """Settles it: by its runner's result, if that is in, else as lost. Its execution's name is taken, so there is no other attempt."""
        for last in (*[False] * (_ATTEMPTS - 1), True):
            try:
                self.settle.settle(run_id, treatment, None, error)
                return
            except NotFound:
                return
            except Conflict:
                if last:
                    raise

    def of_run(self, run_id: str, execution: int, error: MachineError) -> None:
        """Has another execution end what is left of the run: it finds that the run is to be stopped. `execution` is the one that broke."""
        cause = f"the run's state machine broke: {error.cause or error.name}"
        try:
            run = self.runs.request_stop(run_id, RunState.FAILED, cause)
        except (NotFound, Conflict):
            return  # there is no such run, or it has ended
        if execution < _MOST_EXECUTIONS:
            self.machines.start_run(run_id, run.machine_timeout, execution + 1)
        else:
            self.finalise.finalise(run_id)
