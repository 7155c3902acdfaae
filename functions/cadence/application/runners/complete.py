"""Takes the result that an agent hands in with its last call."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from cadence.application.runners.ports import RunnerResults
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.run_ports import Machines
from cadence.domain.runners.runner import Runner, RunnerResult
from cadence.domain.scheduling.machine_step import MachineStep

_log = logging.getLogger("cadence.settle")


@dataclass(frozen=True)
class Complete:
    """Completes a runner; `ended` is called with it once its result is stored."""

    results: RunnerResults
    settle: Settle
    machines: Machines
    ended: Callable[[Runner], None]

    def complete(self, runner: Runner, result: RunnerResult) -> None:
        """Stores the result, settles the treatment if that is quick, and answers its state machine. Safe to repeat.

        Raises Gone (the runner was lost) or Conflict (another result is stored, see `RunnerResults`).
        """
        completed = self.results.complete(runner.runner_id, result)
        self.ended(completed)
        if completed.task_token:
            self.machines.succeed(completed.task_token, self._step(completed).as_json())

    def _step(self, runner: Runner) -> MachineStep:
        try:
            return self.settle.quickly(runner)
        except Exception:  # noqa: BLE001 - the result is stored: the state machine settles, and repeats it until it is done
            _log.warning("runner %s is left to its machine to be settled", runner.runner_id, exc_info=True)
            return self.settle.by_machine(runner)
