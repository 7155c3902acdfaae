"""Placement: which pool gives the runner of a treatment's next attempt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cadence.application.offer import Offer
from cadence.application.ports import Clock, Deadlines, Machines, PoolStore, RunStore, Standing
from cadence.application.treatment_gates import TreatmentGates
from cadence.domain import ids, placing
from cadence.domain.errors import Cancelled, Conflict, NotFound, NotReady, ProviderRejected
from cadence.domain.history import Change
from cadence.domain.melodium import engines
from cadence.domain.placing import Considered, Refusal
from cadence.domain.pool import HOST, Placement, Pool, provider_function
from cadence.domain.run import PLACEABLE, Run, Treatment, TreatmentSpec, TreatmentState

TRY_AGAIN_AFTER = timedelta(seconds=15)
# When the watchdog first looks whether the runner is there, so that nobody waits for a call that ended half-way.
FIRST_LOOK = timedelta(seconds=60)


def _no_hosts(organization: str, pool: str) -> Sequence[str | None]:
    return ()


def _none(organization: str, pool: str) -> Sequence[tuple[str, datetime, str]]:
    return ()


@dataclass(frozen=True)
class Place:
    runs: RunStore
    pools: PoolStore
    gates: TreatmentGates
    offer: Offer
    machines: Machines
    deadlines: Deadlines
    provider_function_prefix: str
    clock: Clock
    refusals: Callable[[str, str], Sequence[tuple[str, datetime, str]]] = _none
    engines: Callable[[str, str], Sequence[str | None]] = _no_hosts

    def __call__(
        self, run_id: str, treatment: str, attempt: int, task_token: str, refused: Placement | None = None
    ) -> None:
        """The first pool that fits, in the order that `domain.placing` says; what was considered is noted of the treatment.

        `task_token` is answered with the placement to launch; a pool of hosts is offered the runner at once, and the token is
        answered when its attempt has ended. Safe to repeat. `refused` is the last decision, if its pool had no room. Raises
        Cancelled (the run is being stopped), NotReady (every pool has been tried just now), ProviderRejected (no pool can ever
        hold it: says which and why), RunnerLost (an earlier call's runner is lost), and what its gates raise.
        """
        self.deadlines.watch_runner(ids.runner_id(run_id, treatment, attempt), FIRST_LOOK, task_token)
        standing = self.runs.get_standing(run_id, treatment)
        run = standing.run
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        stored = standing.treatment
        if stored.cancel_reason or stored.attempt != attempt:
            raise Cancelled(stored.cancel_reason or f"{treatment} goes on with attempt {stored.attempt}")
        placement, noted = self._decide(standing, refused)
        if placement.provider == HOST:
            self.offer(standing, placement, noted, task_token)
            return
        try:
            self.runs.advance(
                run_id,
                treatment,
                attempt,
                PLACEABLE,
                TreatmentState.BOOTING,
                pool=placement.pool,
                placed_at=placement.decided_at,
                **noted,
            )
        except Conflict:
            raise Cancelled(f"{treatment} was settled while it was being placed") from None
        self.machines.succeed(task_token, placement.step())

    def _decide(self, standing: Standing, refused: Placement | None) -> tuple[Placement, Mapping[str, Any]]:
        """The placement, and what is to be noted of the treatment with it."""
        run, spec, attempt = standing.run, standing.spec, standing.treatment.attempt
        fitting, left_out = self._candidates(run, spec)
        if not fitting:
            self._note_considered(standing.treatment, left_out)
            reasons = "; ".join(one.reason for one in left_out) or "there is no pool"
            raise ProviderRejected(f"no pool can hold {spec.name}: {reasons}")
        refusals = {**self._refusals(fitting), **_taken_away(standing.treatment, self.clock())}
        ordered = placing.in_order(fitting, spec, refusals, self.clock())
        pools = [pool for pool, _ in ordered]
        exhausted = (*refused.exhausted, refused.pool) if refused else ()
        untried = [pool for pool in pools if pool.name not in exhausted]
        if not untried:
            if refused and self.clock() < refused.decided_at + TRY_AGAIN_AFTER:
                words = f"no room in {', '.join(exhausted)}: trying again after {TRY_AGAIN_AFTER.seconds} s"
                self.gates.note_waiting(standing.treatment, words)
                raise NotReady(words)
            untried, exhausted = pools, ()
        usable, noted = self.gates.passed(run, spec, standing.treatment, untried)
        pool = usable[0]
        placement = Placement(
            pool=pool.name,
            provider=pool.provider,
            function=provider_function(self.provider_function_prefix, pool.provider),
            runner_id=ids.runner_id(run.run_id, spec.name, attempt),
            attempt=attempt,
            boot_deadline=pool.boot_deadline,
            reason=_reason(pool, untried),
            decided_at=self.clock(),
            exhausted=exhausted,
            priority=spec.priority or run.priority,
        )
        # Trying one pool after the other is one step, however often it is repeated.
        if standing.treatment.state is not TreatmentState.BOOTING:
            noted["history"] = (Change(placement.decided_at, attempt, TreatmentState.BOOTING, f"pool {pool.name}"),)
        considered = [*(Considered(one.name, True, words) for one, words in ordered), *left_out]
        return placement, {"waiting_for": None, "placement": placing.encode(considered), **noted}

    def _refusals(self, pools: Sequence[Pool]) -> Mapping[str, Sequence[Refusal]]:
        """Hosts refuse nothing, and a pool alone comes first in any case: then nothing is read."""
        if len(pools) < 2:
            return {}
        return {
            pool.name: [Refusal(*one) for one in self.refusals(pool.organization, pool.name)]
            for pool in pools
            if pool.provider != HOST
        }

    def _candidates(self, run: Run, spec: TreatmentSpec) -> tuple[list[Pool], list[Considered]]:
        """The pools that fit, in the order of the pipeline's list, and those that do not."""
        left_out: list[Considered] = []
        known: list[Pool] = []
        if spec.pools:
            for name in spec.pools:
                try:
                    known.append(self.pools.get_pool(run.organization, name))
                except NotFound:
                    left_out.append(Considered(name, False, f"pool {name} does not exist"))
        else:
            known = list(self.pools.list_pools(run.organization))
        fitting = []
        for pool in known:
            reason = placing.misfit(pool, spec, run.project) or self._lacks_engine(pool, spec)
            if reason is None:
                fitting.append(pool)
            else:
                left_out.append(Considered(pool.name, False, reason))
        return fitting, left_out

    def _note_considered(self, treatment: Treatment, considered: Sequence[Considered]) -> None:
        """For whoever asks why it was placed nowhere. Raises Cancelled if it was settled."""
        name, state = treatment.name, treatment.state
        try:
            noted = placing.encode(considered)
            self.runs.advance(treatment.run_id, name, treatment.attempt, {state}, state, placement=noted)
        except Conflict:
            raise Cancelled(f"{name} was settled while it was being placed") from None

    def _lacks_engine(self, pool: Pool, spec: TreatmentSpec) -> str | None:
        """Only hosts tell beforehand what they have."""
        wanted = engines.needed(spec.engine)
        if wanted is None or pool.provider != HOST:
            return None
        return engines.lacking(pool.name, wanted, self.engines(pool.organization, pool.name))


def _taken_away(treatment: Treatment, now: datetime) -> Mapping[str, Sequence[Refusal]]:
    """The pool that took the last attempt's machine away: whoever was interrupted goes on elsewhere, if there is an elsewhere."""
    interrupted = any(
        change.attempt == treatment.attempt - 1 and change.state == TreatmentState.INTERRUPTED
        for change in treatment.history
    )
    if not interrupted or treatment.pool is None:
        return {}
    return {treatment.pool: [Refusal("the last attempt", now, "its machine was taken away")]}


def _reason(chosen: Pool, candidates: Sequence[Pool]) -> str:
    if len(candidates) == 1:
        return "the only candidate"
    names = ", ".join(pool.name for pool in candidates)
    return f"first of {names}" if chosen is candidates[0] else f"first of {names} with a free slot"
