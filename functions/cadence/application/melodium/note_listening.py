"""Notes that a runner's engine accepts connections."""

from dataclasses import dataclass

from cadence.application.shared.runner_ports import RunnerStore, Specs
from cadence.domain.runners.runner import EngineEndpoint, Runner, RunnerState, session_over
from cadence.domain.shared.errors import Conflict


@dataclass(frozen=True)
class NoteListening:
    """Stores the endpoints of engines."""

    specs: Specs
    runners: RunnerStore

    def note(self, runner: Runner, listening: EngineEndpoint) -> None:
        """Stores the endpoint. Safe to repeat.

        Raises Conflict for a runner without an engine, Gone if it was lost meanwhile.
        """
        if self.specs(runner.run_id, runner.treatment).engine is None:
            raise Conflict(f"Runner {runner.runner_id} has no engine: nothing can listen on it.")
        try:
            self.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, listening=listening)
        except Conflict:
            raise session_over(self.runners.get_runner(runner.runner_id)) from None
