"""Decides which pool gives the runner of a treatment's next attempt."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cadence.application.limits.treatment_gates import TreatmentGates
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.offer import OfferRunner, boots
from cadence.application.placement.reconcile_launch import FailedLaunch, ReconcileLaunch
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.run_ports import Machines, TreatmentContext, TreatmentStore
from cadence.domain.melodium import engines
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement import placing
from cadence.domain.placement.back_off import FIRST_PAUSE, BackOff
from cadence.domain.placement.placing import ANY_OFFER, Considered
from cadence.domain.placement.pool import HOST, Placement, Pool, PoolRefusal, provider_function
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Cancelled, NotFound, NotReady, ProviderRejected

# After all candidates have refused they are asked again; later each time, up to four times as late.
TRY_AGAIN_AFTER = timedelta(seconds=15)
_MOST_DOUBLINGS = 2


@dataclass(frozen=True, kw_only=True)
class PlaceTreatment:
    """Places a treatment's next attempt.

    `engines` returns the engines of a pool's hosts; `hosts_at_work` those hosts that ask for work and have an engine.
    """

    treatments: TreatmentStore
    pools: PoolStore
    gates: TreatmentGates
    offer: OfferRunner
    take_back: ReconcileLaunch
    machines: Machines
    provider_function_prefix: str
    clock: Clock
    refusals: Refusals | None = None
    engines: Callable[[str, str], Sequence[str | None]]
    hosts_at_work: Callable[[str, str, str | None], object]

    def place(
        self, run_id: str, treatment: str, attempt: int, task_token: str, refused: FailedLaunch | None = None
    ) -> None:
        """Chooses the first pool that fits, in the order of `domain.placement.placing`, and notes those it considered.

        `task_token` is answered with the placement to launch; a pool of hosts is offered the runner at once, and the
        token is answered when its attempt has ended. `refused` is the last launch, if its pool refused it.
        Safe to repeat. Raises Cancelled (the run is being stopped), NotReady (every pool has been tried just now),
        ProviderRejected (no pool can ever hold it, or each has refused it for good: names each and its reason),
        RunnerLost (an earlier call's runner is lost), and what its gates raise.
        """
        # Before all else, so that the watchdog finds a token whose call ended half-way.
        kept = self.machines.keep(ids.runner_id(run_id, treatment, attempt), task_token, self.clock())
        context = self.treatments.get_context(run_id, treatment)
        run = context.run
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        stored = context.treatment
        if stored.cancel_reason or stored.attempt != attempt:
            raise Cancelled(stored.cancel_reason or f"{treatment} goes on with attempt {stored.attempt}")
        if refused is not None and self.take_back.reconcile(run.organization, refused, kept):
            return
        placement, noted = self._decide(context, refused)
        if placement.provider == HOST:
            self.offer.offer(context, placement, noted, kept)
            return
        # A machine that never calls home is given up only after its boot deadline: until then users see why it waits.
        noted = {**noted, "waiting_for": placing.boot_wait(placement.pool, placement.boot_deadline)}
        boots(self.treatments, stored, placement, noted)
        self.machines.proceed(task_token, placement.step())

    def _decide(self, context: TreatmentContext, refused: FailedLaunch | None) -> tuple[Placement, Mapping[str, Any]]:
        """Returns the placement, and the treatment's fields that change with it."""
        run, spec, attempt = context.run, context.spec, context.treatment.attempt
        fitting, left_out = self._candidates(run, spec)
        if not fitting:
            self.gates.note(context.treatment, placement=placing.encode(left_out))
            reasons = "; ".join(candidate.reason for candidate in left_out) or "there is no pool"
            raise ProviderRejected(f"no pool can hold {spec.name}: {reasons}")
        back_offs = {**self._back_offs(fitting), **_taken_away(context.treatment, self.clock())}
        unattended = self._unattended(fitting, engines.needed(spec.engine))
        ordered = placing.in_order(fitting, spec, back_offs, self.clock(), unattended)
        refusals = (*refused.placement.refusals, refused.refusal) if refused else ()
        considered = placing.encode([*placing.considered(ordered, refusals), *left_out])
        pools = [pool for pool, _ in ordered]
        untried, refusals, rounds = self._untried(context, pools, unattended, refused, refusals, considered)
        usable, noted = self.gates.passed(run, spec, context.treatment, untried)
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
            refusals=refusals,
            priority=spec.priority or run.priority,
            rounds=rounds,
            offers=placing.offers_for(pool, spec),
            price=placing.expected_price(pool, spec),
            overcomes=tuple(back_off.offer for back_off in back_offs.get(pool.name, ())),
        )
        # Trying one pool after the other is one step, however often it is repeated.
        if context.treatment.state is not TreatmentState.BOOTING:
            noted["history"] = (
                StateChange(placement.decided_at, attempt, TreatmentState.BOOTING, f"pool {pool.name}"),
            )
        return placement, {"waiting_for": None, "placement": considered, **noted}

    def _untried(
        self,
        context: TreatmentContext,
        pools: Sequence[Pool],
        unattended: Collection[str],
        refused: FailedLaunch | None,
        refusals: tuple[PoolRefusal, ...],
        considered: str,
    ) -> tuple[Sequence[Pool], tuple[PoolRefusal, ...], int]:
        """Returns the pools to ask now, the refusals that still count, and how often all pools have been asked.

        Raises NotReady (all have been asked just now) and ProviderRejected (all refuse for good).
        """
        lasting = tuple(refusal for refusal in refusals if refusal.lasting)
        remaining = [pool for pool in pools if pool.name not in {refusal.pool for refusal in lasting}]
        # A pool without hosts refuses nothing: the treatment would wait there, although it need not.
        remaining = [pool for pool in remaining if pool.name not in unattended] or remaining
        if refused is None:
            return remaining, (), 0
        if not remaining:
            self.gates.note(context.treatment, placement=considered, waiting_for=None)
            words = "; ".join(refusal.told for refusal in refusals)
            raise ProviderRejected(f"no pool takes {context.spec.name}: {words}")
        rounds = refused.placement.rounds
        untried = [pool for pool in remaining if pool.name not in {refusal.pool for refusal in refusals}]
        if untried:
            return untried, refusals, rounds
        pause = TRY_AGAIN_AFTER * 2 ** min(rounds, _MOST_DOUBLINGS)
        if self.clock() < refused.placement.decided_at + pause:
            answers = "; ".join(refusal.told for refusal in refusals)
            words = f"a pool that takes it, all asked again after {pause.seconds} s: {answers}"
            if context.treatment.waiting_for != words:
                self.gates.note(context.treatment, waiting_for=words, placement=considered)
            raise NotReady(words)
        return remaining, lasting, rounds + 1

    def _back_offs(self, pools: Sequence[Pool]) -> Mapping[str, Sequence[BackOff]]:
        """Returns back-offs by pool; none for hosts, which refuse nothing, nor for a pool without alternatives."""
        if len(pools) < 2 or self.refusals is None:
            return {}
        return {
            pool.name: self.refusals.of_pool(pool.organization, pool.name) for pool in pools if pool.provider != HOST
        }

    def _unattended(self, pools: Sequence[Pool], engine: str | None) -> Collection[str]:
        """Returns the pools whose hosts that have the engine are silent: they count as having it for a while longer."""
        if len(pools) < 2:
            return ()
        return {
            pool.name
            for pool in pools
            if pool.provider == HOST and not self.hosts_at_work(pool.organization, pool.name, engine)
        }

    def _candidates(self, run: Run, spec: TreatmentSpec) -> tuple[list[Pool], list[Considered]]:
        """Returns the pools that fit, in the order of the pipeline's list, and those that do not."""
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

    def _lacks_engine(self, pool: Pool, spec: TreatmentSpec) -> str | None:
        """Returns why no machine of the pool has the engine; only hosts report their engines beforehand."""
        needed = engines.needed(spec.engine)
        if needed is None or pool.provider != HOST:
            return None
        return engines.lacking(pool.name, needed, self.engines(pool.organization, pool.name))


def _taken_away(treatment: Treatment, now: datetime) -> Mapping[str, Sequence[BackOff]]:
    """Returns a back-off of the pool that took the last attempt's machine away, so that other pools come first."""
    interrupted = any(
        change.attempt == treatment.attempt - 1 and change.state == TreatmentState.INTERRUPTED
        for change in treatment.history
    )
    if not interrupted or treatment.pool is None:
        return {}
    words = "the last attempt's machine was taken away"
    return {treatment.pool: [BackOff(offer=ANY_OFFER, at=now, reason=words, until=now + FIRST_PAUSE)]}


def _reason(chosen: Pool, candidates: Sequence[Pool]) -> str:
    if len(candidates) == 1:
        return "the only candidate"
    names = ", ".join(pool.name for pool in candidates)
    return f"first of {names}" if chosen is candidates[0] else f"first of {names} with a free slot"
