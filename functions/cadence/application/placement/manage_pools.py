"""Pools are made, changed, probed, looked at and removed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.access.ports import Directory
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.ports import (
    VALUES,
    AnsweringProviders,
    CredentialsDescription,
    PoolCredentials,
    PoolProbe,
    PoolRecords,
    SweepResult,
    ValueBuckets,
)
from cadence.application.placement.runner_costs import price_of, since
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import HOST_GONE, Host, HostStore
from cadence.domain.limits.concurrency_limit import in_turn
from cadence.domain.placement.back_off import BackOff
from cadence.domain.placement.pool import HOST, Pool
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import CadenceError, Conflict, InvalidRequest, Violation
from cadence.domain.values.value_retention import ValuePolicy

_MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class WaitingTreatment:
    """Somebody who waits for a runner of the pool: who, which position counting from 1, and about how long still (None: nothing to tell it from)."""

    run_id: str
    treatment: str
    project: str
    position: int
    estimate: timedelta | None


@dataclass(frozen=True)
class ActiveRunner:
    """A runner, and what it has cost so far (None: no price is known)."""

    runner: Runner
    since: datetime
    cost: float | None
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class PoolDetail:
    pool: Pool
    credentials: CredentialsDescription
    probe: PoolProbe | None
    sweep: SweepResult | None
    refusals: Sequence[BackOff]
    runners: Sequence[ActiveRunner]
    queue: Sequence[WaitingTreatment]


@dataclass(frozen=True, kw_only=True)
class ManagePools:
    directory: Directory
    credentials: PoolCredentials
    records: PoolRecords
    hosts: HostStore
    slots: RunnerSlots
    calls: AnsweringProviders
    values: ValueBuckets
    clock: Clock
    refusals: Refusals

    def put(self, pool: Pool, credentials: Mapping[str, str] | None) -> bool:
        """True if it is new. Its provider is asked to probe it; what it finds is there a moment later. `credentials` None: what is kept stays.

        Raises InvalidRequest if its values are to be kept where this installation cannot keep any.
        """
        self._check_values(pool.policy.values)
        if credentials is not None:
            # First: a pool is never there without what it needs.
            self.credentials.put(pool, credentials, self.clock())
        new = self.directory.put_pool(pool)
        self.slots.limit_pool(pool)
        self.ask_probe(pool)
        return new

    def ask_probe(self, pool: Pool) -> None:
        bucket = pool.policy.values.bucket
        if bucket is not None:
            found = PoolProbe(self.clock(), tuple(self.values.probe(bucket, pool.organization, pool.name)))
            self.records.note_probe(pool.organization, pool.name, found, VALUES)
        if pool.provider != HOST:
            self.calls.ask("probe", pool.organization, pool.name, pool.provider)

    def remove(self, pool: Pool, *, abandon: bool = False) -> None:
        """Raises Conflict while something of it may exist: then nobody could end it any more.

        `abandon`: also if its infrastructure does not tell what there is. What exists then is left there.
        """
        self._idle(pool)
        if pool.provider != HOST:
            self._empty(pool, abandon=abandon)
        # From now on no start begins; one that began before is found below, since it says so before it looks for the pool.
        self.directory.remove_pool(pool.organization, pool.name)
        try:
            self._idle(pool)
        except Conflict:
            self.directory.put_pool(pool)
            raise
        self.credentials.remove(pool)

    def _idle(self, pool: Pool) -> None:
        active = self._active_ids(pool)
        if active:
            raise Conflict(f"Pool {pool.name} has {len(active)} runners: it can be removed when they have ended.")
        if pool.provider == HOST:
            alive = [host for host in self._hosts(pool) if self.clock() < host.last_seen + HOST_GONE]
            if alive:
                names = ", ".join(host.name for host in alive[:5])
                raise Conflict(f"Machines that joined pool {pool.name} still ask for work: {names}. Stop their agents.")

    def _empty(self, pool: Pool, *, abandon: bool) -> None:
        """Its infrastructure says that nothing is there, now."""
        try:
            there = self.calls.machines(pool.organization, pool.name, pool.provider)
        except CadenceError as error:
            if abandon:
                return
            raise Conflict(
                f"What there is of pool {pool.name} cannot be known: {error.message}. Without the pool nobody could end it: give the "
                "pool what it needs to be looked at, or abandon what may be there (`cadence pool delete --abandon`)."
            ) from None
        if there:
            self.calls.ask("sweep", pool.organization, pool.name, pool.provider)
            names = ", ".join(there[:5]) + (" and others" if len(there) > 5 else "")
            raise Conflict(
                f"Pool {pool.name} still has {len(there)} machines: {names}. Those that nobody wants are ended within ten minutes, "
                "those that wait for runners once the pool keeps none warm. Try again then."
            )

    def detail(self, pool: Pool, sees: Callable[[str], bool]) -> PoolDetail:
        """Of runners and of those who wait, those of projects that `sees` says yes to; positions count all."""
        runners = self._active(pool)
        return PoolDetail(
            pool=pool,
            credentials=self.credentials.describe(pool),
            probe=self._probe(pool),
            sweep=self.records.sweep(pool.organization, pool.name),
            refusals=self.refusals.of_pool(pool.organization, pool.name),
            runners=[
                self._with_cost(runner, pool) for runner in runners if sees(runner.project) and runner.pool == pool.name
            ],
            queue=[waiting for waiting in self._queue(pool, runners) if sees(waiting.project)],
        )

    def _check_values(self, wanted: ValuePolicy) -> None:
        known = self.values.regions
        if wanted.bucket is not None and wanted.bucket not in known:
            there = f"It was deployed with {', '.join(sorted(known))}." if known else "It was deployed with none."
            message = (
                f"Bucket {wanted.bucket} is none that this installation may keep values in. {there} Deploy it with "
                "--context value_buckets=NAME=REGION,…"
            )
            raise InvalidRequest(message, [Violation("/values/bucket", message)])
        if wanted.region is not None and wanted.region != known.get(wanted.bucket or ""):
            message = (
                f"Bucket {wanted.bucket} is in {known[wanted.bucket]}, not in {wanted.region}."
                if wanted.bucket
                else "A region is said of a bucket: name it."
            )
            raise InvalidRequest(message, [Violation("/values/region", message)])

    def _probe(self, pool: Pool) -> PoolProbe | None:
        """What its provider found, and what was found of where its values are kept."""
        found = self.records.probe(pool.organization, pool.name)
        stores = self.records.probe(pool.organization, pool.name, VALUES) if pool.policy.values.bucket else None
        if found is None or stores is None:
            return found or stores
        return PoolProbe(max(found.at, stores.at), (*found.checks, *stores.checks), found.error)

    def at_work(self, pools: Sequence[Pool], sees: Callable[[str], bool]) -> Sequence[ActiveRunner]:
        """The runners of several pools that were asked for and have not ended, those that are held too; the oldest first."""
        found = [
            self._with_cost(runner, pool)
            for pool in pools
            for runner in self._active(pool)
            if sees(runner.project) and runner.pool == pool.name
        ]
        return sorted(found, key=lambda one: (one.since, one.runner.runner_id))

    def _active_ids(self, pool: Pool) -> list[str]:
        if pool.provider == HOST:
            return [runner for host in self._hosts(pool) for runner in sorted(host.running | host.handed)]
        return list(self.records.active(pool.organization, pool.name))

    def _active(self, pool: Pool) -> list[Runner]:
        ids = self._active_ids(pool)
        known = self.hosts.get_runners(ids[:_MOST_SHOWN])
        return [known[one] for one in ids[:_MOST_SHOWN] if one in known]

    def _hosts(self, pool: Pool) -> Sequence[Host]:
        return self.hosts.list_hosts(pool.organization, pool.name)

    def _with_cost(self, runner: Runner, pool: Pool) -> ActiveRunner:
        """A machine that is held costs until it is let go."""
        price = price_of(runner, pool.price)
        if price is None:
            return ActiveRunner(runner, since(runner), None, None)
        hours = max(0.0, (self.clock() - since(runner)) / timedelta(hours=1))
        return ActiveRunner(runner, since(runner), price.per_hour * hours, price.currency)

    def _queue(self, pool: Pool, runners: Sequence[Runner]) -> list[WaitingTreatment]:
        places = in_turn(self.slots.waiting_for(pool))
        offered = []
        if pool.provider == HOST:
            known = self.hosts.get_runners(
                one.runner_id for one in self.hosts.list_offers(pool.organization, pool.name, _MOST_SHOWN)
            )
            offered = [(one.run_id, one.treatment, one.project) for _, one in sorted(known.items())]
        waiting = [*offered, *((place.run_id, place.treatment or "", place.project) for place in places)]
        each = self._time_between_ends(runners)
        return [
            WaitingTreatment(
                run_id=run_id,
                treatment=treatment,
                project=project,
                position=position,
                estimate=each and each * position,
            )
            for position, (run_id, treatment, project) in enumerate(waiting, start=1)
        ]

    def _time_between_ends(self, runners: Sequence[Runner]) -> timedelta | None:
        """As if each runner took twice as long as it has by now, and they ended one after the other."""
        ages = [self.clock() - runner.created_at for runner in runners]
        return 2 * sum(ages, timedelta()) / len(ages) / len(ages) if ages else None
