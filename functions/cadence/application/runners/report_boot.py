"""A machine tells how far its boot has come, before it is claimed; a boot that cannot succeed ends at once, with its reason."""

from dataclasses import dataclass

from cadence.application.runners.runner_tokens import matches, refuse
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, Gone, NotFound, RunnerLost

_REFUSED = "The one-time token is not valid for this runner."
# The last reports may come after the claim, which they do not wait for.
_UNCLAIMED = frozenset({RunnerState.OFFERED, RunnerState.BOOTING})
_TOLD = _UNCLAIMED | {RunnerState.CLAIMED}
_MOST_PHASES = 16


@dataclass(frozen=True)
class BootPhase:
    """`seconds` since the machine's first program began. `detail` is what the machine says about it, to be trusted by nobody."""

    phase: str
    ok: bool
    seconds: float
    detail: str | None = None


@dataclass(frozen=True)
class ReportBoot:
    runners: RunnerStore
    machines: Machines

    def report(self, runner_id: str, token: str, told: BootPhase) -> None:
        """Raises Unauthenticated (wrong token) and Gone (no longer waited for: the machine may switch itself off)."""
        runner = self._admit(runner_id, token)
        if not told.ok and runner.state in _UNCLAIMED:
            self._end(runner, told)
            return
        phases = {**runner.boot_phases, told.phase: told.seconds}
        if len(phases) > _MOST_PHASES:
            return
        changes = {"phase": f"booting: {told.phase}"} if runner.state in _UNCLAIMED else {}
        try:
            self.runners.change_runner(runner_id, {runner.state}, boot_phases=phases, **changes)
        except Conflict:  # claimed since it was read: then nobody asks for this any more
            return

    def _admit(self, runner_id: str, token: str) -> Runner:
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            raise refuse("unknown_runner", _REFUSED, runner_id=runner_id) from None
        if not matches(runner.one_time_hash, token):
            raise refuse("wrong_one_time_token", _REFUSED, runner_id=runner_id)
        if runner.state not in _TOLD or runner.cancel_reason:
            raise Gone(f"Runner {runner_id} is no longer waited for.", state=str(runner.state))
        return runner

    def _end(self, runner: Runner, told: BootPhase) -> None:
        why = f": {told.detail}" if told.detail else ""
        cause = RunnerLost(
            f"the machine on pool {runner.pool} could not become a runner, at the phase {told.phase}{why}"
        )
        if self.runners.declare_lost(runner) and runner.task_token:
            self.machines.fail(runner.task_token, cause)
