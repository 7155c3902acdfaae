"""An agent hands in its result: the last thing it does."""

from dataclasses import dataclass

from cadence.application.ports import Machines, RunnerResults
from cadence.domain.runner import Result, Runner


@dataclass(frozen=True)
class Complete:
    results: RunnerResults
    machines: Machines

    def __call__(self, runner: Runner, result: Result) -> None:
        """Keeps the result, then answers the machine that waits for it, if it waits already. Safe to repeat.

        Raises Gone or Conflict (see `RunnerResults`).
        """
        completed = self.results.complete(runner.runner_id, result)
        if completed.execute_token:
            self.machines.succeed(completed.execute_token, {"runner_id": runner.runner_id})
