"""A runner whose treatment fails is kept for a while, so that its owner can look into its machine."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.placement.ports import ProviderCalls
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict

LONGEST_HOLD = timedelta(hours=1)
_NOT_RELEASED = frozenset(RunnerState) - {RunnerState.RELEASED}


@dataclass(frozen=True)
class HoldRunner:
    runners: RunnerStore
    calls: ProviderCalls
    clock: Clock

    def hold(self, runner: Runner, length: timedelta) -> Runner:
        """Its machine is not ended before then, unless its treatment succeeds or is cancelled. Raises Conflict if it has been ended."""
        if runner.provider == HOST:
            raise Conflict(f"Runner {runner.runner_id} is on a host, which is there anyway.")
        until = self.clock() + min(length, LONGEST_HOLD)
        try:
            return self.runners.change_runner(runner.runner_id, _NOT_RELEASED, held_until=until)
        except Conflict:
            raise Conflict(f"Runner {runner.runner_id} has been released: its machine is gone.") from None

    def release(self, runner: Runner) -> Runner:
        """Ends the hold, and the machine if nothing else needs it. Safe to repeat."""
        changed = self.runners.change_runner(runner.runner_id, RunnerState, held_until=None)
        if changed.state is RunnerState.RELEASED and runner.held_until is not None:
            self.calls.ask(
                "stop",
                runner.organization,
                runner.pool,
                runner.provider,
                runner_id=runner.runner_id,
                run_id=runner.run_id,
            )
        return changed
