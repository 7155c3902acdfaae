"""A runner is started and released: the same for every provider."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.budgets import Budgets
from cadence.application.placement.pacing import RateLimiter
from cadence.application.placement.ports import PoolRecords
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.run_ports import Deadlines, Machines, RunStore, TreatmentStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.melodium.specification import WorkerSpec
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.placing import boot_wait
from cadence.domain.placement.pool import Price
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerState
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.machine_step import MachineStep, NextState
from cadence.domain.shared.errors import (
    CadenceError,
    Cancelled,
    CapacityExhausted,
    Conflict,
    NotFound,
    ProviderRejected,
    RunnerLost,
    Transient,
)
from cadence.providers.contract import CallHome, Containers, EndsItself, Paced, Provider, RunnerNeeds, RunnerRequest
from cadence.providers.homes import FreshToken, Homes

Providers = Callable[[str, str], Provider]
"""The provider of a pool, given its organization and name."""

# What a runner may take beyond its boot and its treatment: to end, and to be held for whoever looks into a failure.
EXPIRY_GRACE = timedelta(minutes=90)

# The end of what a machine printed, in characters.
LONGEST_CONSOLE = 16 * 1024

_NOT_BEGUN = frozenset({RunnerState.OFFERED, RunnerState.BOOTING})
_RELEASABLE = frozenset({RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED, RunnerState.COMPLETED})


@dataclass(frozen=True, kw_only=True)
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
    placement: Mapping[str, Any] = field(default_factory=dict)  # as it was decided, for a launch that comes again
    placed_at: datetime | None = None  # when it was decided
    overcomes: tuple[str, ...] = ()  # what the pool refused before
    price: Price | None = None  # what is expected


@dataclass(frozen=True, kw_only=True)
class StartRunner:
    runs: RunStore
    treatments: TreatmentStore
    runners: RunnerStore
    machines: Machines
    deadlines: Deadlines
    providers: Providers
    clock: Clock
    homes: Homes | None = None  # None: machines have joined by themselves, and get their tokens there
    rate_limiter: RateLimiter | None = None
    records: PoolRecords | None = None  # None: what is offered and runs is kept with the hosts
    budgets: Budgets | None = None
    refusals: Refusals | None = None
    pools: PoolStore | None = None  # asked each time: it may be removed at any moment

    def start(self, launch: Launch) -> None:
        """Safe to repeat: what an earlier call started is adopted. Raises Cancelled, RunnerLost, the provider's errors.

        What the provider says no with takes the treatment back to its placement, which notes it of the pool.
        """
        # First of all: a start that is interrupted is found as well.
        after = timedelta(seconds=launch.boot_deadline)
        self.deadlines.watch_runner(launch.runner_id, after, launch.task_token)
        run = self.runs.get_run(launch.run_id)
        provider = self._provider(run.organization, launch.pool)
        fresh = self.homes.fresh(launch.runner_id) if self.homes else None
        runner = self._own(
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
                placed_at=launch.placed_at,
                per_hour=launch.price.per_hour if launch.price else None,
                currency=launch.price.currency if launch.price else None,
                **(fresh.kept if fresh else {}),
            ),
            fresh,
        )
        # Looked at after the runner is there: whoever stops the run or the treatment from now on finds the runner.
        standing = self.treatments.get_standing(launch.run_id, launch.treatment)
        if standing.run.stop_requested or standing.run.state.final:
            raise Cancelled(standing.run.cause or f"run {launch.run_id} is being stopped")
        if standing.treatment.cancel_reason:
            raise Cancelled(standing.treatment.cancel_reason)
        if runner.result is not None:
            ended = MachineStep(
                next=NextState.SETTLE, attempt=launch.attempt, function=launch.function, runner_id=launch.runner_id
            )
            self.machines.succeed(launch.task_token, ended.as_json())
        elif runner.state in _NOT_BEGUN:
            wait = self._turn(provider, runner)
            if wait:
                self._come_again(launch, runner, wait)
                return
            if runner.turn_at is not None:
                with suppress(Conflict):
                    self._note_waiting(launch, boot_wait(launch.pool, launch.boot_deadline))
            home = self.homes.of(runner, fresh) if self.homes and fresh else None
            self._start(provider, runner, _request(runner, standing.spec, home))
            if self.refusals and launch.placed_at:
                self.refusals.granted(run.organization, launch.pool, launch.overcomes, launch.placed_at)
        elif not runner.state.live:
            raise RunnerLost(f"runner {launch.runner_id} is {runner.state}")

    def _provider(self, organization: str, pool: str) -> Provider:
        try:
            return self.providers(organization, pool)
        except NotFound as error:  # it was removed since the decision
            raise ProviderRejected(error.message) from None

    def _confirm(self, runner: Runner) -> None:
        """Looked at after the runner is listed as active: whoever removes the pool from now on finds it."""
        if self.pools is None:
            return
        try:
            self.pools.get_pool(runner.organization, runner.pool)
        except NotFound as error:
            raise ProviderRejected(error.message) from None

    def _own(self, wanted: Runner, fresh: FreshToken | None) -> Runner:
        """The attempt's runner, as this launch's own. Raises RunnerLost if a later launch has it: what this one does comes too late."""
        try:
            runner = self.runners.put_runner(wanted)
            if not _to_begin_anew(runner, wanted):
                return runner
            with suppress(Conflict):
                return self._begin_anew(runner, wanted, fresh)
            # What an earlier launch made may have called home at this very moment.
            runner = self.runners.put_runner(wanted)
        except Conflict:
            runner = None
        if runner is None or runner.state in _NOT_BEGUN:
            raise RunnerLost(f"runner {wanted.runner_id} went on elsewhere")
        return runner

    def _turn(self, provider: Provider, runner: Runner) -> timedelta:
        """How long the start still has to wait for the infrastructure's API. A place that is kept is used once."""
        if self.rate_limiter is None or not isinstance(provider, Paced):
            return timedelta()
        if runner.turn_at is not None:
            return max(timedelta(), runner.turn_at - self.clock())
        return self.rate_limiter.reserve(provider.start_api)

    def _come_again(self, launch: Launch, runner: Runner, wait: timedelta) -> None:
        """Nothing boots, and nothing waits in here: the machine launches it again when its turn has come."""
        with suppress(Conflict):  # somebody ends it: the next launch sees that
            self.runners.move_runner(runner, _NOT_BEGUN, state=RunnerState.OFFERED, turn_at=self.clock() + wait)
            self._note_waiting(launch, f"its turn with the API of pool {launch.pool}")
        step = MachineStep(
            next=NextState.LATER,
            attempt=launch.attempt,
            function=launch.function,
            runner_id=launch.runner_id,
            wait_seconds=max(1, math.ceil(wait.total_seconds())),
        )
        self.machines.succeed(launch.task_token, {**step.as_json(), "placement": launch.placement})

    def _note_waiting(self, launch: Launch, what: str) -> None:
        booting = TreatmentState.BOOTING
        self.treatments.advance(launch.run_id, launch.treatment, launch.attempt, {booting}, booting, waiting_for=what)

    def _start(self, provider: Provider, runner: Runner, request: RunnerRequest) -> None:
        if self.records:
            self.records.note_active(runner.organization, runner.pool, runner.runner_id, self.clock())
        try:
            self._confirm(runner)
            if self.budgets:
                longest = timedelta(seconds=request.boot_deadline + request.max_duration)
                self.budgets.reserve(runner.organization, runner.pool, runner.runner_id, longest)
            ref = provider.start(request)
        except (CapacityExhausted, ProviderRejected):
            if runner.booting_at is None:  # after a call without an answer the sweeper says whether there is nothing
                self._nothing_there(runner)
            with suppress(Conflict):  # nothing boots: it must not be found overdue while it waits for room
                self.runners.move_runner(runner, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
            raise
        except Transient:
            # Something may boot all the same, so it keeps its state and its token; its time counts from the last try.
            with suppress(Conflict):
                self.runners.move_runner(runner, {RunnerState.BOOTING}, booting_at=self.clock())
            raise
        if ref in {runner.runner_id, runner.ref}:
            return
        try:
            self.runners.move_runner(runner, _RELEASABLE, ref=ref, machine_expires_at=request.expires_at)
        except Conflict:
            # It was given up while the infrastructure made it, perhaps before there was anything to end.
            provider.stop(ref)
            raise RunnerLost(f"runner {runner.runner_id} was given up while it was being started") from None

    def _nothing_there(self, runner: Runner) -> None:
        if self.budgets:
            self.budgets.cancel(runner.organization, runner.pool, runner.runner_id)
        if self.records:
            self.records.note_ended(runner.organization, runner.pool, runner.runner_id)

    def _begin_anew(self, runner: Runner, wanted: Runner, fresh: FreshToken | None) -> Runner:
        """There was no room before, perhaps in another pool: the attempt belongs to this one now, which also releases it."""
        elsewhere = runner.pool != wanted.pool
        return self.runners.move_runner(
            runner,
            _NOT_BEGUN,
            pool=wanted.pool,
            provider=wanted.provider,
            state=wanted.state,
            created_at=wanted.created_at,
            booting_at=None,
            boot_deadline=wanted.boot_deadline,
            placed_at=wanted.placed_at,
            offer=None,
            per_hour=wanted.per_hour,
            currency=wanted.currency,
            turn_at=None if elsewhere else runner.turn_at,
            **({**_tokens(runner, wanted.pool, fresh), "ref": None} if elsewhere else {}),
        )


def _tokens(runner: Runner, pool: str, fresh: FreshToken | None) -> Mapping[str, Any]:
    """Another pool, another token; back in a pool, the one that a machine may have which was made there all the same."""
    left = dict(runner.left_tokens)
    kept = left.pop(pool, None) or (fresh.kept if fresh else {"sealed_token": None})
    if runner.sealed_token is not None:
        left[runner.pool] = {"one_time_hash": runner.one_time_hash, "sealed_token": runner.sealed_token}
    return {**kept, "left_tokens": left}


def _request(runner: Runner, spec: TreatmentSpec, home: CallHome | None) -> RunnerRequest:
    """The same in each repetition."""
    return RunnerRequest(
        runner_id=runner.runner_id,
        boot_deadline=runner.boot_deadline,
        run_id=runner.run_id,
        treatment=runner.treatment,
        project=runner.project,
        needs=RunnerNeeds(cpu=spec.cpu, memory=spec.memory, storage=spec.storage, arch=spec.arch, image=spec.image),
        max_duration=spec.max_duration,
        expires_at=runner.created_at + timedelta(seconds=runner.boot_deadline + spec.max_duration) + EXPIRY_GRACE,
        home=home,
        containers=_containers(spec),
    )


def _containers(spec: TreatmentSpec) -> Containers:
    worker = spec.engine if isinstance(spec.engine, WorkerSpec) else None
    return Containers(
        image=spec.image, services=spec.services, volumes=spec.volumes, worker=worker, engine=spec.engine is not None
    )


def _to_begin_anew(runner: Runner, wanted: Runner) -> bool:
    if runner.pool != wanted.pool:
        return runner.state in _NOT_BEGUN
    return runner.state is RunnerState.OFFERED and wanted.state is RunnerState.BOOTING


def held(runner: Runner, now: datetime) -> bool:
    """Whether its machine is kept for whoever looks into its failure."""
    if runner.held_until is None or now >= runner.held_until:
        return False
    return runner.result is None or runner.result.outcome not in {RunnerOutcome.SUCCEEDED, RunnerOutcome.CANCELLED}


@dataclass(frozen=True, kw_only=True)
class ReleaseRunner:
    runners: RunnerStore
    providers: Providers
    records: PoolRecords | None = None
    budgets: Budgets | None = None
    clock: Clock | None = None

    def release(self, runner_id: str) -> None:
        """Ends a runner for good. Safe to repeat; one that never was is no error."""
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            return
        provider = self.providers(runner.organization, runner.pool)
        if runner.state is RunnerState.LOST and runner.claimed_at is None and runner.console is None:
            self._keep_console(provider, runner)
        with suppress(Conflict):  # lost, or released before: what is left of it still has to go
            self.runners.change_runner(runner_id, _RELEASABLE, state=RunnerState.RELEASED)
        if self.clock and held(self.runners.get_runner(runner_id), self.clock()):
            return  # the sweeper ends it afterwards, or whoever held it
        ended = runner.state is RunnerState.COMPLETED and isinstance(provider, EndsItself) and provider.ends_itself
        if not ended:
            provider.stop(runner.ref or runner_id)
        if self.budgets:
            self.budgets.settle(runner.organization, runner.pool, runner_id)
        if self.records:
            self.records.note_ended(runner.organization, runner.pool, runner_id)

    def _keep_console(self, provider: Provider, runner: Runner) -> None:
        """It never called home: what its machine printed may say why, and is gone with it. Not to be had is no reason not to end it."""
        try:
            printed = provider.console(runner.ref or runner.runner_id)
        except CadenceError as error:
            printed = f"(the console could not be read: {error.message})"
        if printed:
            with suppress(Conflict):
                self.runners.change_runner(runner.runner_id, {RunnerState.LOST}, console=printed[-LONGEST_CONSOLE:])
