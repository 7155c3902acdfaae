"""Creates, changes, probes, shows and removes pools."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.access.ports import Directory
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.budgets import Ledger, Spending, spending
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
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import CadenceError, Conflict, InvalidRequest, NotFound, Violation
from cadence.domain.values.value_retention import ValuePolicy

_MOST_SHOWN = 200

# Settings that say where a provider sends a pool's credentials, or whom it takes for the right one there.
_ADDRESSES = ("auth_url", "certificate_authority", "issuer", "server", "url")


@dataclass(frozen=True, kw_only=True)
class WaitingTreatment:
    """A treatment that waits for a runner of the pool.

    `position` counts from 1; `estimate` is about how long it still waits (None: there is nothing to estimate from).
    """

    run_id: str
    treatment: str
    project: str
    position: int
    estimate: timedelta | None


@dataclass(frozen=True)
class ActiveRunner:
    """A runner and what it has cost so far (None: no price is known)."""

    runner: Runner
    since: datetime
    cost: float | None
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class PoolDetail:
    """A pool with its last probe and sweep, its refusals, its spending, its runners and its waiting treatments."""

    pool: Pool
    credentials: CredentialsDescription
    probe: PoolProbe | None
    sweep: SweepResult | None
    refusals: Sequence[BackOff]
    spending: Spending | None
    runners: Sequence[ActiveRunner]
    queue: Sequence[WaitingTreatment]


@dataclass(frozen=True, kw_only=True)
class ManagePools:
    """The use cases for an organization's pools."""

    directory: Directory
    credentials: PoolCredentials
    records: PoolRecords
    hosts: HostStore
    slots: RunnerSlots
    calls: AnsweringProviders
    values: ValueBuckets
    clock: Clock
    refusals: Refusals
    ledger: Ledger

    def put(self, pool: Pool, credentials: Mapping[str, str] | None, create: Callable[[], None] | None = None) -> bool:
        """Stores a pool and returns True if it is new. `credentials` None keeps those that are stored.

        `create` creates one that was not there, and raises if there is one by now, whose credentials are then kept.
        The pool's provider is asked to probe it; its result is stored a moment later.
        Raises InvalidRequest if the pool's values are to be kept where this installation cannot keep any, or if stored
        credentials would be sent to another address than the one that they were given for; Conflict if it is removed.
        """
        self._check_values(pool.policy.values)
        if create is not None:
            create()
        elif credentials is None:
            self._keep_credentials(pool)
        if credentials is not None:
            # Before a change: the pool is never there without what it needs.
            self.credentials.put(pool, credentials, self.clock())
        if create is None:
            try:
                self.directory.replace_pool(pool)
            except Conflict:
                self.credentials.remove(pool)
                raise
        self.slots.limit_pool(pool)
        self.ask_probe(pool)
        return create is not None

    def _keep_credentials(self, pool: Pool) -> None:
        """Keeps the stored credentials of a pool for the address that they were given for."""
        try:
            stored = self.directory.get_pool(pool.organization, pool.name)
        except NotFound:
            return
        changed = [name for name in _ADDRESSES if stored.settings.get(name) != pool.settings.get(name)]
        if changed and stored.provider == pool.provider and self.credentials.describe(stored).names:
            message = f"The pool's address changes ({', '.join(changed)}): send its credentials again."
            raise InvalidRequest(message, [Violation("/credentials", message, "missing")])

    def ask_probe(self, pool: Pool) -> None:
        """Probes where the pool's values are kept, and asks its provider to probe the pool without waiting for it."""
        bucket = pool.policy.values.bucket
        if bucket is not None:
            probe = PoolProbe(self.clock(), tuple(self.values.probe(bucket, pool.organization, pool.name)))
            self.records.note_probe(pool.organization, pool.name, probe, VALUES)
        if pool.provider != HOST:
            self.calls.ask("probe", pool.organization, pool.name, pool.provider)

    def remove(self, pool: Pool, *, abandon: bool = False) -> None:
        """Removes a pool. Raises Conflict while machines of it may exist, since they could not be ended any more, and
        while treatments wait for it, since they would wait in vain; the message names their runs.

        `abandon` removes it also if its infrastructure does not list its machines; those that exist are left there.
        """
        self._idle(pool)
        if pool.provider != HOST:
            self._empty(pool, abandon=abandon)
        # From now on no start begins; one that began before is found below, since it is noted before it reads the pool.
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
        if waiting := self._queue(pool, ()):
            names = ", ".join(f"{each.treatment} of run {each.run_id}" for each in waiting[:5])
            more = f" and {len(waiting) - 5} more" if len(waiting) > 5 else ""
            raise Conflict(
                f"Treatments wait for a runner of pool {pool.name}: {names}{more}. Let them run, or cancel their runs "
                "(`cadence cancel RUN`), and remove the pool then."
            )

    def _empty(self, pool: Pool, *, abandon: bool) -> None:
        """Raises Conflict unless the pool's infrastructure lists no machine of it now."""
        try:
            existing = self.calls.machines(pool.organization, pool.name, pool.provider)
        except CadenceError as error:
            if abandon:
                return
            raise Conflict(
                f"Which machines pool {pool.name} has cannot be known: {error.message}. Without the pool they could not be ended: "
                "give the pool what its provider needs to list them, or abandon them (`cadence pool delete --abandon`)."
            ) from None
        if existing:
            self.calls.ask("sweep", pool.organization, pool.name, pool.provider)
            names = ", ".join(existing[:5]) + (" and others" if len(existing) > 5 else "")
            raise Conflict(
                f"Pool {pool.name} still has {len(existing)} machines: {names}. Machines that no runner needs are ended within "
                "ten minutes, machines that wait for runners once the pool keeps none warm. Try again then."
            )

    def detail(self, pool: Pool, sees: Callable[[str], bool]) -> PoolDetail:
        """Returns the pool with its records.

        Runners and waiting treatments are those of the projects for which `sees` is true; positions count all.
        """
        active = self._active_ids(pool)
        runners = self._known(active)
        return PoolDetail(
            pool=pool,
            credentials=self.credentials.describe(pool),
            probe=self._probe(pool),
            sweep=self.records.sweep(pool.organization, pool.name),
            refusals=self.refusals.of_pool(pool.organization, pool.name),
            spending=spending(self.ledger, pool, active, self.clock()),
            runners=[
                self._with_cost(runner, pool) for runner in runners if sees(runner.project) and runner.pool == pool.name
            ],
            queue=[waiting for waiting in self._queue(pool, runners) if sees(waiting.project)],
        )

    def _check_values(self, policy: ValuePolicy) -> None:
        known = self.values.regions
        if policy.bucket is not None and policy.bucket not in known:
            deployed = f"It was deployed with {', '.join(sorted(known))}." if known else "It was deployed with none."
            message = (
                f"This installation may not keep values in bucket {policy.bucket}. {deployed} Deploy it with "
                "--context value_buckets=NAME=REGION,…"
            )
            raise InvalidRequest(message, [Violation("/values/bucket", message)])
        if policy.region is not None and policy.region != known.get(policy.bucket or ""):
            message = (
                f"Bucket {policy.bucket} is in {known[policy.bucket]}, not in {policy.region}."
                if policy.bucket
                else "A region needs a bucket: name the bucket, too."
            )
            raise InvalidRequest(message, [Violation("/values/region", message)])

    def _probe(self, pool: Pool) -> PoolProbe | None:
        """Returns the provider's probe of the pool, joined with the probe of the bucket for its values."""
        own = self.records.probe(pool.organization, pool.name)
        stores = self.records.probe(pool.organization, pool.name, VALUES) if pool.policy.values.bucket else None
        if own is None or stores is None:
            return own or stores
        return PoolProbe(max(own.at, stores.at), (*own.checks, *stores.checks), own.error)

    def at_work(self, pools: Sequence[Pool], sees: Callable[[str], bool]) -> Sequence[ActiveRunner]:
        """Returns the runners of several pools that were requested and have not ended, the oldest first.

        Held runners are among them; only those of projects for which `sees` is true are returned.
        """
        active = [
            self._with_cost(runner, pool)
            for pool in pools
            for runner in self._active(pool)
            if sees(runner.project) and runner.pool == pool.name
        ]
        return sorted(active, key=lambda each: (each.since, each.runner.runner_id))

    def _active_ids(self, pool: Pool) -> list[str]:
        if pool.provider == HOST:
            return [runner for host in self._hosts(pool) for runner in sorted(host.running | host.handed)]
        return list(self.records.active(pool.organization, pool.name))

    def _active(self, pool: Pool) -> list[Runner]:
        return self._known(self._active_ids(pool))

    def _known(self, ids: Sequence[str]) -> list[Runner]:
        known = self.hosts.get_runners(ids[:_MOST_SHOWN])
        return [known[runner_id] for runner_id in ids[:_MOST_SHOWN] if runner_id in known]

    def _hosts(self, pool: Pool) -> Sequence[Host]:
        return self.hosts.list_hosts(pool.organization, pool.name)

    def _with_cost(self, runner: Runner, pool: Pool) -> ActiveRunner:
        """Returns the runner with its cost until now; a held machine costs until it is released."""
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
                offer.runner_id for offer in self.hosts.list_offers(pool.organization, pool.name, _MOST_SHOWN)
            )
            # The offer of a treatment that was cancelled stays until a host asks for work.
            offered = [
                (runner.run_id, runner.treatment, runner.project)
                for _, runner in sorted(known.items())
                if runner.state is RunnerState.OFFERED and not runner.cancel_reason
            ]
        waiting = [*offered, *((place.run_id, place.treatment or "", place.project) for place in places)]
        interval = self._time_between_ends(runners)
        return [
            WaitingTreatment(
                run_id=run_id,
                treatment=treatment,
                project=project,
                position=position,
                estimate=interval and interval * position,
            )
            for position, (run_id, treatment, project) in enumerate(waiting, start=1)
        ]

    def _time_between_ends(self, runners: Sequence[Runner]) -> timedelta | None:
        """Estimates it as if each runner took twice as long as it has by now, and they ended one after the other."""
        ages = [self.clock() - runner.created_at for runner in runners]
        return 2 * sum(ages, timedelta()) / len(ages) / len(ages) if ages else None
