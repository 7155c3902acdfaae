"""An agent hands in its result: the last thing it does."""

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
    results: RunnerResults
    settle: Settle
    machines: Machines
    ended: Callable[[Runner], None]

    def complete(self, runner: Runner, result: RunnerResult) -> None:
        """Keeps the result, settles the treatment if that is quickly done, and tells the machine. Safe to repeat.

        `ended` hears of the runner in between.

        Raises Gone or Conflict (see `RunnerResults`).
        """
        completed = self.results.complete(runner.runner_id, result)
        self.ended(completed)
        if completed.task_token:
            self.machines.succeed(completed.task_token, self._step(completed).as_json())

    def _step(self, runner: Runner) -> MachineStep:
        try:
            return self.settle.quickly(runner)
        except Exception:  # noqa: BLE001 - the result is kept: its machine settles, which it repeats until it is done
            _log.warning("runner %s is left to its machine to be settled", runner.runner_id, exc_info=True)
            return self.settle.by_machine(runner)
