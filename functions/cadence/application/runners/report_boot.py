"""Notes how far the boot of a machine has come; a boot that cannot succeed ends at once, with its reason."""

from dataclasses import dataclass

from cadence.application.runners.runner_tokens import matches, refuse, refuse_runner
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, Gone, NotFound, RunnerLost

_REFUSED = "The one-time token is not valid for this runner."
# The last reports may come after the claim, which they do not wait for.
_UNCLAIMED = frozenset({RunnerState.OFFERED, RunnerState.BOOTING})
_REPORTING = _UNCLAIMED | {RunnerState.CLAIMED}
_MOST_PHASES = 16


@dataclass(frozen=True)
class BootPhase:
    """A phase of a boot, `seconds` after the machine's first program began.

    `detail` is the machine's own text, which must not be trusted.
    """

    phase: str
    ok: bool
    seconds: float
    detail: str | None = None


@dataclass(frozen=True)
class ReportBoot:
    """Stores the boot phases of runners, and ends boots that have failed."""

    runners: RunnerStore
    machines: Machines

    def report(self, runner_id: str, token: str, phase: BootPhase) -> None:
        """Notes a phase; ends the boot if it failed.

        Raises Unauthenticated (wrong token) and Gone (no treatment waits for it any more: the machine may switch off).
        """
        runner = self._admit(runner_id, token)
        if not phase.ok and runner.state in _UNCLAIMED:
            self._end(runner, phase)
            return
        phases = {**runner.boot_phases, phase.phase: phase.seconds}
        if len(phases) > _MOST_PHASES:
            return
        changes = {"phase": f"booting: {phase.phase}"} if runner.state in _UNCLAIMED else {}
        try:
            self.runners.change_runner(runner_id, {runner.state}, boot_phases=phases, **changes)
        except Conflict:  # claimed since it was read: then the phase is of no use any more
            return

    def _admit(self, runner_id: str, token: str) -> Runner:
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            raise refuse("unknown_runner", _REFUSED, runner_id=runner_id) from None
        if not matches(runner.one_time_hash, token):
            raise refuse_runner("wrong_one_time_token", _REFUSED, runner)
        if runner.state not in _REPORTING or runner.cancel_reason:
            raise Gone(f"No treatment waits for runner {runner_id} any more.", state=str(runner.state))
        return runner

    def _end(self, runner: Runner, phase: BootPhase) -> None:
        detail = f": {phase.detail}" if phase.detail else ""
        cause = RunnerLost(
            f"the machine of pool {runner.pool} could not become a runner: phase {phase.phase} failed{detail}"
        )
        if self.runners.declare_lost(runner) and runner.task_token:
            self.machines.fail(runner.task_token, cause)
