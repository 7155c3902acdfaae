"""Slots for runners where their number is limited: of a pool, and of an organization over all its pools.

A treatment's attempt takes a place at each concurrency limit that it needs. If it has to wait, its machine waits on a token, which
whoever leaves answers. Where nothing is limited, nothing is read or written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cadence.application.limits.concurrency_limits import ConcurrencyLimits
from cadence.application.limits.run_gates import QuotaReader
from cadence.application.shared.run_ports import Machines, TreatmentStore
from cadence.domain.limits.concurrency_limit import UNLIMITED, LimitEntry, pool_of, pool_runners, runners
from cadence.domain.placement.pool import Pool
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound

_MOST_SHOWN = 200


@dataclass(frozen=True)
class Slot:
    """The pools that may give the runner now, or what is waited for; `concurrency_limits` are the scopes where the attempt stands."""

    pools: Sequence[Pool]
    concurrency_limits: tuple[str, ...] = ()
    waiting_for: str | None = None


@dataclass(frozen=True)
class RunnerSlots:
    treatments: TreatmentStore
    machines: Machines
    concurrency_limits: ConcurrencyLimits
    quotas: QuotaReader

    def take(self, run: Run, treatment: Treatment, priority: int, pools: Sequence[Pool]) -> Slot:
        """Safe to repeat. The first of `pools` that has room is kept, and the places at the others are given up.

        The organization's slot is taken first: it is needed in any case, and a pool's slot is not kept from others for it.
        """
        place = _place(run, treatment, priority)
        total = runners(run.organization)
        limit = self.quotas.get_quotas(run.organization).max_runners
        held: tuple[str, ...] = ()
        if limit is not None or total in treatment.concurrency_limits:
            held = (total,)
            entered = self.concurrency_limits.enter(total, UNLIMITED if limit is None else limit, place, self)
            if not entered.inside:
                self._leave(place, set(treatment.concurrency_limits) - {total})
                words = f"one of the {limit} runners of organization {run.organization} (position {entered.position})"
                return Slot((), held, words)
        return self._of_a_pool(run, place, pools, held, treatment.concurrency_limits)

    def inside(self, scope: str, treatment: Treatment) -> bool:
        return self.concurrency_limits.inside(scope, ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))

    def release(self, treatment: Treatment) -> None:
        """Gives up all that the treatment's attempt holds or waits for. Safe to repeat."""
        holder = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        for scope in treatment.concurrency_limits:
            self.concurrency_limits.leave(scope, holder, self)

    def limit_pool(self, pool: Pool) -> None:
        """A pool's new limit: who waits is let in if there is more room now."""
        limit = UNLIMITED if pool.max_runners is None else pool.max_runners
        self.concurrency_limits.limit(pool_runners(pool.organization, pool.name), limit, self)

    def limit_organization(self, organization: str, limit: int | None) -> None:
        self.concurrency_limits.limit(runners(organization), UNLIMITED if limit is None else limit, self)

    def waiting_for(self, pool: Pool) -> Sequence[LimitEntry]:
        """Attempts that wait for a slot of the pool."""
        return self.concurrency_limits.store.waiting(pool_runners(pool.organization, pool.name), _MOST_SHOWN)

    def tend(self, scope: str) -> None:
        self.concurrency_limits.tend(scope, self)

    # as `Calls` of the concurrency limits

    def wake(self, scope: str, place: LimitEntry) -> None:
        try:
            treatment = self.treatments.get_treatment(place.run_id, place.treatment or "")
        except NotFound:
            return  # found gone at the next look
        if treatment.turn_token and treatment.attempt == place.attempt:
            self.machines.succeed(treatment.turn_token, {})

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        known = self.treatments.get_treatments([(place.run_id, place.treatment or "") for place in places])
        pool = pool_of(scope)
        return [
            place for place in places if _is_gone(known.get((place.run_id, place.treatment or "")), place.attempt, pool)
        ]

    def _of_a_pool(
        self, run: Run, place: LimitEntry, pools: Sequence[Pool], held: tuple[str, ...], before: Sequence[str]
    ) -> Slot:
        waits: list[str] = []
        words = ""
        for pool in pools:
            scope = pool_runners(run.organization, pool.name)
            if pool.max_runners is None:
                found, kept = pool, held
            else:
                entered = self.concurrency_limits.enter(scope, pool.max_runners, place, self)
                if not entered.inside:
                    waits.append(scope)
                    words = words or f"a runner of pool {pool.name} (position {entered.position})"
                    continue
                found, kept = pool, (*held, scope)
            self._leave(place, {*waits, *before} - {*kept})
            return Slot((found,), kept)
        # Nobody keeps the slot of a pool that had no room while waiting for another's: two could wait for each other.
        self._leave(place, {*before} - {*held, *waits})
        return Slot((), (*held, *waits), words)

    def _leave(self, place: LimitEntry, scopes: Iterable[str]) -> None:
        for scope in scopes:
            self.concurrency_limits.leave(scope, place.holder, self)


def _place(run: Run, treatment: Treatment, priority: int) -> LimitEntry:
    holder = ids.runner_id(run.run_id, treatment.name, treatment.attempt)
    return LimitEntry(
        holder=holder,
        run_id=run.run_id,
        project=run.project,
        priority=priority,
        treatment=treatment.name,
        attempt=treatment.attempt,
    )


def _is_gone(treatment: Treatment | None, attempt: int, pool: str | None) -> bool:
    if treatment is None or treatment.state.final or treatment.attempt > attempt:
        return True
    # Before it runs, its pool may turn out to have no room, and it waits for another one.
    return pool is not None and treatment.state is TreatmentState.RUNNING and treatment.pool != pool
