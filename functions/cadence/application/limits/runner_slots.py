"""Slots for runners where their number is limited: of a pool, and of an organization over all its pools.

A treatment's attempt has an entry at each concurrency limit that it needs. If it has to wait, its machine waits on a
token, which is answered when another entry leaves. Where nothing is limited, nothing is read or written.
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
    """The pools that may give the runner now, or what is waited for.

    `concurrency_limits` are the scopes at which the attempt has an entry.
    """

    pools: Sequence[Pool]
    concurrency_limits: tuple[str, ...] = ()
    waiting_for: str | None = None


@dataclass(frozen=True)
class RunnerSlots:
    """Takes and releases slots. Implements WaiterCallbacks of the concurrency limits."""

    treatments: TreatmentStore
    machines: Machines
    concurrency_limits: ConcurrencyLimits
    quotas: QuotaReader

    def take(self, run: Run, treatment: Treatment, priority: int, pools: Sequence[Pool]) -> Slot:
        """Keeps the first of `pools` that has room, and gives up the entries at the others. Safe to repeat.

        The organization's slot is taken first: it is needed in any case, and a pool's slot is not withheld from others
        for it.
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
                reason = f"one of the {limit} runners of organization {run.organization} (position {entered.position})"
                return Slot((), held, reason)
        return self._pool_slot(run, place, pools, held, treatment.concurrency_limits)

    def may_go_on(self, treatment: Treatment) -> bool:
        """Whether the treatment's attempt has a slot, or stands at no limit any more and has to ask once more.

        A late repetition of an earlier step can remove the entries that a later step waits at.
        """
        holder = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        pools = [scope for scope in treatment.concurrency_limits if pool_of(scope) is not None]
        scopes = pools or treatment.concurrency_limits
        entries = [self.concurrency_limits.standing(scope, holder) for scope in scopes]
        return not any(entries) or any(entry.inside for entry in entries if entry is not None)

    def release(self, treatment: Treatment) -> None:
        """Gives up all slots that the treatment's attempt holds or waits for. Safe to repeat."""
        holder = ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
        for scope in treatment.concurrency_limits:
            self.concurrency_limits.leave(scope, holder, self)

    def limit_pool(self, pool: Pool) -> None:
        """Applies a pool's new limit: waiting attempts are admitted if there is more room now."""
        limit = UNLIMITED if pool.max_runners is None else pool.max_runners
        self.concurrency_limits.limit(pool_runners(pool.organization, pool.name), limit, self)

    def limit_organization(self, organization: str, limit: int | None) -> None:
        """Applies an organization's new limit, None for no limit."""
        self.concurrency_limits.limit(runners(organization), UNLIMITED if limit is None else limit, self)

    def waiting_for(self, pool: Pool) -> Sequence[LimitEntry]:
        """Returns the attempts that wait for a slot of the pool."""
        return self.concurrency_limits.store.waiting(pool_runners(pool.organization, pool.name), _MOST_SHOWN)

    def tend(self, scope: str) -> None:
        """Implements the watchdog's look at a concurrency limit of runners."""
        self.concurrency_limits.tend(scope, self)

    def wake(self, scope: str, place: LimitEntry) -> None:
        """Answers the machine of an attempt that was admitted."""
        try:
            treatment = self.treatments.get_treatment(place.run_id, place.treatment or "")
        except NotFound:
            return  # the next look removes it
        if treatment.turn_token and treatment.attempt == place.attempt:
            self.machines.succeed(treatment.turn_token, {})

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        """Returns the entries whose attempt has ended, does not exist, or runs in another pool."""
        treatments = self.treatments.get_treatments([(place.run_id, place.treatment or "") for place in places])
        pool = pool_of(scope)
        return [
            place
            for place in places
            if _is_gone(treatments.get((place.run_id, place.treatment or "")), place.attempt, pool)
        ]

    def _pool_slot(
        self, run: Run, place: LimitEntry, pools: Sequence[Pool], held: tuple[str, ...], before: Sequence[str]
    ) -> Slot:
        waits: list[str] = []
        reason = ""
        for pool in pools:
            scope = pool_runners(run.organization, pool.name)
            if pool.max_runners is None:
                chosen, scopes = pool, held
            else:
                entered = self.concurrency_limits.enter(scope, pool.max_runners, place, self)
                if not entered.inside:
                    waits.append(scope)
                    reason = reason or f"a runner of pool {pool.name} (position {entered.position})"
                    continue
                chosen, scopes = pool, (*held, scope)
            self._leave(place, {*waits, *before} - {*scopes})
            return Slot((chosen,), scopes)
        # No attempt keeps a pool's slot while it waits for another pool's: two could wait for each other.
        self._leave(place, {*before} - {*held, *waits})
        return Slot((), (*held, *waits), reason)

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
