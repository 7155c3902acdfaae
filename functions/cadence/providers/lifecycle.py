"""A runner is started and released: the same for every provider."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from cadence.application.ports import Clock, Deadlines, Machines, RunnerStore, RunStore
from cadence.domain.errors import Cancelled, CapacityExhausted, Conflict, NotFound, RunnerLost
from cadence.domain.runner import Runner, RunnerState
from cadence.domain.step import Next, Step
from cadence.providers.contract import Provider, RunnerRequest

Providers = Callable[[str, str], Provider]
"""The provider of a pool, given its organization and name."""

_NOT_BEGUN = frozenset({RunnerState.OFFERED, RunnerState.BOOTING})
_RELEASABLE = frozenset({RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED, RunnerState.COMPLETED})


@dataclass(frozen=True)
class Launch:
    """One attempt to be launched by the provider's Lambda `function`; `task_token` is answered when it has ended."""

    run_id: str
    treatment: str
    runner_id: str
    attempt: int
    pool: str
    provider: str
    function: str
    boot_deadline: int
    task_token: str = field(repr=False)
    priority: int = 0


@dataclass(frozen=True)
class StartRunner:
    runs: RunStore
    runners: RunnerStore
    machines: Machines
    deadlines: Deadlines
    providers: Providers
    clock: Clock

    def __call__(self, launch: Launch) -> None:
        """Safe to repeat: what an earlier call started is adopted. Raises Cancelled, RunnerLost, the provider's errors."""
        # First of all: a start that is interrupted is found as well.
        after = timedelta(seconds=launch.boot_deadline)
        self.deadlines.watch_runner(launch.runner_id, after, launch.task_token)
        run = self.runs.get_run(launch.run_id)
        provider = self.providers(run.organization, launch.pool)
        runner = self.runners.put_runner(
            Runner(
                runner_id=launch.runner_id,
                run_id=launch.run_id,
                treatment=launch.treatment,
                attempt=launch.attempt,
                organization=run.organization,
                project=run.project,
                pool=launch.pool,
                provider=launch.provider,
                state=provider.first_state,
                created_at=self.clock(),
                boot_deadline=launch.boot_deadline,
                task_token=launch.task_token,
                priority=launch.priority,
            )
        )
        if _to_begin_anew(runner, launch, provider):
            runner = self._begin_anew(launch, provider)
        # Looked at after the runner is there: whoever stops the run or the treatment from now on finds the runner.
        standing = self.runs.get_standing(launch.run_id, launch.treatment)
        if standing.run.stop_requested or standing.run.state.final:
            raise Cancelled(standing.run.cause or f"run {launch.run_id} is being stopped")
        if standing.treatment.cancel_reason:
            raise Cancelled(standing.treatment.cancel_reason)
        if runner.result is not None:
            ended = Step(Next.SETTLE, launch.attempt, function=launch.function, runner_id=launch.runner_id)
            self.machines.succeed(launch.task_token, ended.as_json())
        elif runner.state in _NOT_BEGUN:
            try:
                provider.start(RunnerRequest(launch.runner_id, launch.boot_deadline))
            except CapacityExhausted:
                with suppress(Conflict):  # nothing boots: it must not be found overdue while it waits for room
                    self.runners.change_runner(launch.runner_id, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
                raise
        elif not runner.state.live:
            raise RunnerLost(f"runner {launch.runner_id} is {runner.state}")

    def _begin_anew(self, launch: Launch, provider: Provider) -> Runner:
        """There was no room before, perhaps in another pool: the attempt belongs to this one now, which also releases it."""
        return self.runners.change_runner(
            launch.runner_id,
            _NOT_BEGUN,
            pool=launch.pool,
            provider=launch.provider,
            state=provider.first_state,
            created_at=self.clock(),
            boot_deadline=launch.boot_deadline,
        )


def _to_begin_anew(runner: Runner, launch: Launch, provider: Provider) -> bool:
    if runner.pool != launch.pool:
        return runner.state in _NOT_BEGUN
    return runner.state is RunnerState.OFFERED and provider.first_state is RunnerState.BOOTING


@dataclass(frozen=True)
class ReleaseRunner:
    runners: RunnerStore
    providers: Providers

    def __call__(self, runner_id: str) -> None:
        """Ends a runner for good. Safe to repeat; one that never was is no error."""
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            return
        with suppress(Conflict):  # lost, or released before: what is left of it still has to go
            self.runners.change_runner(runner_id, _RELEASABLE, state=RunnerState.RELEASED)
        self.providers(runner.organization, runner.pool).stop(runner_id)
