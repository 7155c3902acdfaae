"""Starts and releases runners, in the same way for every provider."""

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
from cadence.domain.scheduling.machine_step import MachineStep, NextState, settling
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

# The time of a runner beyond its boot and its treatment: to end, and to be held to look into a failure.
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
    placement: Mapping[str, Any] = field(default_factory=dict)  # as it was decided, for a launch that is repeated
    placed_at: datetime | None = None  # when it was decided
    overcomes: tuple[str, ...] = ()  # earlier refusals of the pool
    price: Price | None = None  # the expected price


@dataclass(frozen=True, kw_only=True)
class StartRunner:
    """Starts the runner of an attempt."""

    runs: RunStore
    treatments: TreatmentStore
    runners: RunnerStore
    machines: Machines
    deadlines: Deadlines
    providers: Providers
    clock: Clock
    homes: Homes | None = None  # None: self-registered hosts get their tokens when they claim work
    rate_limiter: RateLimiter | None = None
    records: PoolRecords | None = None  # None: offers and running work are stored with the hosts
    budgets: Budgets | None = None
    refusals: Refusals | None = None
    pools: PoolStore | None = None  # read each time: the pool may be removed at any moment

    def start(self, launch: Launch) -> None:
        """Starts the runner. Raises Cancelled, RunnerLost, and the provider's errors.

        Safe to repeat: the machine of an earlier call is adopted. A refusal by the provider takes the treatment back to
        its placement, which records it with the pool.
        """
        # Before all else, so that a start that is interrupted is found as well.
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
        # Read after the runner is stored: a call that stops the run or the treatment from now on finds the runner.
        context = self.treatments.get_context(launch.run_id, launch.treatment)
        if context.run.stop_requested or context.run.state.final:
            raise Cancelled(context.run.cause or f"run {launch.run_id} is being stopped")
        if context.treatment.cancel_reason:
            raise Cancelled(context.treatment.cancel_reason)
        if runner.result is not None:
            self.machines.proceed(launch.task_token, settling(launch.attempt, launch.function, launch.runner_id))
        elif runner.state in _NOT_BEGUN:
            wait = self._turn(provider, runner)
            if wait:
                self._launch_later(launch, runner, wait)
                return
            if runner.turn_at is not None:
                with suppress(Conflict):
                    self._note_waiting(launch, boot_wait(launch.pool, launch.boot_deadline))
            home = self.homes.of(runner, fresh) if self.homes and fresh else None
            self._start(provider, runner, _request(runner, context.spec, home))
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
        """Checks that the pool still exists.

        This comes after the runner is listed as active: a call that removes the pool from now on finds it.
        """
        if self.pools is None:
            return
        try:
            self.pools.get_pool(runner.organization, runner.pool)
        except NotFound as error:
            raise ProviderRejected(error.message) from None

    def _own(self, planned: Runner, fresh: FreshToken | None) -> Runner:
        """Returns the attempt's runner, as this launch's own.

        Raises RunnerLost if a later launch has it: this one is too late.
        """
        try:
            runner = self.runners.put_runner(planned)
            if not _must_begin_anew(runner, planned):
                return runner
            with suppress(Conflict):
                return self._begin_anew(runner, planned, fresh)
            # The machine of an earlier launch may have called home at this very moment.
            runner = self.runners.put_runner(planned)
        except Conflict:
            runner = None
        if runner is None or runner.state in _NOT_BEGUN:
            raise RunnerLost(f"runner {planned.runner_id} belongs to a later launch")
        return runner

    def _turn(self, provider: Provider, runner: Runner) -> timedelta:
        """Returns how long the start still has to wait for the infrastructure's API.

        A reserved turn is used once.
        """
        if self.rate_limiter is None or not isinstance(provider, Paced):
            return timedelta()
        if runner.turn_at is not None:
            return max(timedelta(), runner.turn_at - self.clock())
        return self.rate_limiter.reserve(provider.start_api)

    def _launch_later(self, launch: Launch, runner: Runner, wait: timedelta) -> None:
        """Lets the state machine launch the attempt again when its turn has come: nothing boots or waits here."""
        with suppress(Conflict):  # another call ends it: the next launch sees that
            self.runners.move_runner(runner, _NOT_BEGUN, state=RunnerState.OFFERED, turn_at=self.clock() + wait)
            self._note_waiting(launch, f"its turn with the API of pool {launch.pool}")
        step = MachineStep(
            next=NextState.LATER,
            attempt=launch.attempt,
            function=launch.function,
            runner_id=launch.runner_id,
            wait_seconds=max(1, math.ceil(wait.total_seconds())),
            placement=launch.placement,
        )
        self.machines.proceed(launch.task_token, step)

    def _note_waiting(self, launch: Launch, reason: str) -> None:
        booting = TreatmentState.BOOTING
        self.treatments.advance(launch.run_id, launch.treatment, launch.attempt, {booting}, booting, waiting_for=reason)

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
            if (
                runner.booting_at is None
            ):  # after a call without an answer the sweeper finds out whether a machine exists
                self._forget(runner)
            with suppress(Conflict):  # nothing boots: it must not count as overdue while it waits for room
                self.runners.move_runner(runner, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
            raise
        except Transient:
            # A machine may boot nevertheless, so it keeps its state and its token; its time counts from the last try.
            with suppress(Conflict):
                self.runners.move_runner(runner, {RunnerState.BOOTING}, booting_at=self.clock())
            raise
        if ref in {runner.runner_id, runner.ref}:
            return
        try:
            self.runners.move_runner(runner, _RELEASABLE, ref=ref, machine_expires_at=request.expires_at)
        except Conflict:
            # It was given up while the infrastructure made it, perhaps before there was a machine to end.
            provider.stop(ref)
            raise RunnerLost(f"runner {runner.runner_id} was given up while it was being started") from None

    def _forget(self, runner: Runner) -> None:
        if self.budgets:
            self.budgets.cancel(runner.organization, runner.pool, runner.runner_id)
        if self.records:
            self.records.note_ended(runner.organization, runner.pool, runner.runner_id)

    def _begin_anew(self, runner: Runner, planned: Runner, fresh: FreshToken | None) -> Runner:
        """Gives the runner to this launch, which also releases it.

        There was no room before, perhaps in another pool.
        """
        other_pool = runner.pool != planned.pool
        return self.runners.move_runner(
            runner,
            _NOT_BEGUN,
            pool=planned.pool,
            provider=planned.provider,
            state=planned.state,
            created_at=planned.created_at,
            booting_at=None,
            boot_deadline=planned.boot_deadline,
            placed_at=planned.placed_at,
            offer=None,
            per_hour=planned.per_hour,
            currency=planned.currency,
            turn_at=None if other_pool else runner.turn_at,
            **({**_tokens(runner, planned.pool, fresh), "ref": None} if other_pool else {}),
        )


def _tokens(runner: Runner, pool: str, fresh: FreshToken | None) -> Mapping[str, Any]:
    """Returns the tokens of a runner that goes on in another pool.

    It gets another token there; back in a pool, the earlier one, which a machine may have that was made after all.
    """
    left_tokens = dict(runner.left_tokens)
    token = left_tokens.pop(pool, None) or (fresh.kept if fresh else {"sealed_token": None})
    if runner.sealed_token is not None:
        left_tokens[runner.pool] = {"one_time_hash": runner.one_time_hash, "sealed_token": runner.sealed_token}
    return {**token, "left_tokens": left_tokens}


def _request(runner: Runner, spec: TreatmentSpec, home: CallHome | None) -> RunnerRequest:
    """Returns the request; the same in each repetition."""
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


def _must_begin_anew(runner: Runner, planned: Runner) -> bool:
    if runner.pool != planned.pool:
        return runner.state in _NOT_BEGUN
    return runner.state is RunnerState.OFFERED and planned.state is RunnerState.BOOTING


def held(runner: Runner, now: datetime) -> bool:
    """Returns whether its machine is kept to look into its failure."""
    if runner.held_until is None or now >= runner.held_until:
        return False
    return runner.result is None or runner.result.outcome not in {RunnerOutcome.SUCCEEDED, RunnerOutcome.CANCELLED}


@dataclass(frozen=True, kw_only=True)
class ReleaseRunner:
    """Releases the runner of an attempt."""

    runners: RunnerStore
    providers: Providers
    records: PoolRecords | None = None
    budgets: Budgets | None = None
    clock: Clock | None = None

    def release(self, runner_id: str) -> None:
        """Ends a runner for good. Safe to repeat; a runner that never existed is no error."""
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            return
        provider = self.providers(runner.organization, runner.pool)
        if runner.state is RunnerState.LOST and runner.claimed_at is None and runner.console is None:
            self._keep_console(provider, runner)
        with suppress(Conflict):  # lost, or released before: its machine still has to end
            self.runners.change_runner(runner_id, _RELEASABLE, state=RunnerState.RELEASED)
        if self.clock and held(self.runners.get_runner(runner_id), self.clock()):
            return  # the sweeper ends it afterwards, or the user who holds it
        ended = runner.state is RunnerState.COMPLETED and isinstance(provider, EndsItself) and provider.ends_itself
        if not ended:
            provider.stop(runner.ref or runner_id)
        if self.budgets:
            self.budgets.settle(runner.organization, runner.pool, runner_id)
        if self.records:
            self.records.note_ended(runner.organization, runner.pool, runner_id)

    def _keep_console(self, provider: Provider, runner: Runner) -> None:
        """Stores the output of a machine that never called home, before it is ended: it may say why.

        A failure to read it does not prevent the end.
        """
        try:
            output = provider.console(runner.ref or runner.runner_id)
        except CadenceError as error:
            output = f"(the console could not be read: {error.message})"
        if output:
            with suppress(Conflict):
                self.runners.change_runner(runner.runner_id, {RunnerState.LOST}, console=output[-LONGEST_CONSOLE:])
