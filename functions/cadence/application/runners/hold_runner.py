"""Holds a runner whose treatment fails for a while, so that its owner can inspect its machine."""

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
    """Holds and releases the machines of runners."""

    runners: RunnerStore
    calls: ProviderCalls
    clock: Clock

    def hold(self, runner: Runner, length: timedelta) -> Runner:
        """Holds the runner's machine for `length`, at most `LONGEST_HOLD`.

        The hold ends earlier if the treatment succeeds or is cancelled.

        Raises Conflict if the machine is a host or has been ended.
        """
        if runner.provider == HOST:
            raise Conflict(f"Runner {runner.runner_id} is on a host, which stays anyway: it needs no hold.")
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
