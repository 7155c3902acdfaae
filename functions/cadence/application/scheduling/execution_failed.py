"""Handles executions of state machines that ended outside of Cadence's own code.

They timed out, were aborted, failed, or were lost with their service. What the execution was to do is done here, as
whatever waits for it would wait in vain.
"""

from dataclasses import dataclass

from cadence.application.runs.finalise import Finalise
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.run_ports import Machines, RunStore
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Conflict, NotFound

# Executions that a run may have: its own, and those that only end it. Each retries for minutes before it fails.
_MOST_EXECUTIONS = 3
# Attempts at a treatment that moves at the same moment.
_ATTEMPTS = 5


@dataclass(frozen=True)
class ExecutionFailed:
    """Ends what a failed execution was to end. Both methods are safe to repeat, and leave alone what is final."""

    runs: RunStore
    machines: Machines
    settle: Settle
    finalise: Finalise

    def of_treatment(self, run_id: str, treatment: str, error: MachineError) -> None:
        """Settles the treatment: by its runner's result if there is one, else as lost.

        Its execution's name is taken, so there is no other attempt. Raises Conflict if the treatment keeps changing.
        """
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
        """Starts another execution that ends the run, after requesting its stop; `execution` is the one that broke.

        After `_MOST_EXECUTIONS` executions it ends the run itself.
        """
        cause = f"the run's state machine broke: {error.cause or error.name}"
        try:
            run = self.runs.request_stop(run_id, RunState.FAILED, cause)
        except (NotFound, Conflict):
            return  # there is no such run, or it has ended
        if execution < _MOST_EXECUTIONS:
            self.machines.start_run(run_id, run.machine_timeout, execution + 1)
        else:
            self.finalise.finalise(run_id)
