"""Lets machines join a pool as hosts, and leases them runners to start."""

import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cadence.application.access.authenticate import TokenRefused
from cadence.application.access.ports import AuditTrail
from cadence.application.runners.runner_tokens import bearer, matches, new_token, refuse, token_hash
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import (
    HOST_GONE,
    HOST_SILENT,
    Host,
    HostStore,
    RunnerStore,
    WorkNotification,
    WorkNotificationUrl,
)
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.melodium import engines
from cadence.domain.placement.offer import RunnerOffer, in_fair_order
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, Forbidden, NotFound, RunnerLost

POLL_SECONDS = 10
# Bounds the time of one call; what is left over is leased by the next.
_LEASES_PER_CALL = 25
_REFUSED = "The host's token is not valid. Join the pool again with a join token."


@dataclass(frozen=True)
class JoinedHost:
    """A new host and its token, which is returned only once."""

    host_id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class LeasedRunner:
    """A runner for the host to start, and the one-time token with which its agent calls home."""

    runner_id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class LeaseAnswer:
    """The answer to a host that asks for work: runners to start, ids of runners to stop, and when to ask again."""

    assignments: Sequence[LeasedRunner]
    stop: Sequence[str]
    work_notification: WorkNotificationUrl
    poll_seconds: int


@dataclass(frozen=True)
class JoinPool:
    """Lets a machine join a pool of hosts."""

    hosts: HostStore
    pools: PoolStore
    audit: AuditTrail
    clock: Clock

    def join(
        self,
        by: Principal,
        pool: str,
        name: str,
        slots: int,
        facts: Mapping[str, Any],
        labels: Mapping[str, str],
    ) -> JoinedHost:
        """Adds a host to a pool and returns its token; `by` is the principal of the join token.

        Raises NotFound (no such pool), Forbidden (the pool serves other projects, too) and Conflict (no pool of hosts).
        """
        organization, project = by.organization, by.project
        joined = self.pools.get_pool(organization, pool)
        if joined.provider != "host":
            raise Conflict(f"No host can join pool {pool}: it gets its runners from {joined.provider}.")
        if project != ALL_PROJECTS and joined.projects != (project,):
            # A host sees the secrets of all that it runs.
            raise Forbidden(f"Pool {pool} serves more than project {project}: join it with a token for all projects.")
        now = self.clock()
        host_id = f"host-{secrets.token_hex(10)}"
        # The token names the pool, which is where the host is found.
        token = f"{organization}.{pool}.{new_token()}"
        place = f"/v1/pools/{pool}/hosts/{host_id}"
        self.audit.note(AuditEntry.by(by, now, AuditKind.CHANGE, "join_host", place, project=project))
        self.hosts.put_host(
            Host(
                host_id=host_id,
                organization=organization,
                pool=pool,
                name=name,
                slots=slots,
                token_hash=token_hash(token),
                joined_at=now,
                last_seen=now,
                facts=facts,
                labels=labels,
            )
        )
        return JoinedHost(host_id, token)


@dataclass(frozen=True)
class EnginesOfHosts:
    """Lists the Mélodium engine of each machine of a pool that may be given work (None: it has none)."""

    hosts: HostStore
    clock: Clock

    def list(self, organization: str, pool: str) -> Sequence[str | None]:
        """Returns the engines' versions."""
        hosts = _attending(self.hosts, organization, pool, self.clock() - HOST_GONE)
        return [host.facts.get(engines.FACT) for host in hosts]

    def list_with_draining(self, organization: str, pool: str) -> Sequence[str | None]:
        """Returns the engines' versions, also of machines that drain, which may be given work again."""
        since = self.clock() - HOST_GONE
        hosts = self.hosts.list_hosts(organization, pool)
        return [host.facts.get(engines.FACT) for host in hosts if host.last_seen > since]


@dataclass(frozen=True)
class HostsAtWork:
    """Lists the machines of a pool that ask for work at the moment."""

    hosts: HostStore
    clock: Clock

    def count(self, organization: str, pool: str, engine: str | None = None) -> Sequence[Host]:
        """Returns the hosts that have the engine (one of `domain.melodium.engines`), without those that drain."""
        hosts = _attending(self.hosts, organization, pool, self.clock() - HOST_SILENT)
        return [host for host in hosts if engine is None or engine in engines.able(host.facts.get(engines.FACT))]


@dataclass(frozen=True, kw_only=True)
class LeaseWork:
    """Answers a host that asks for work."""

    hosts: HostStore
    runners: RunnerStore
    machines: Machines
    work_notification: WorkNotification
    clock: Clock

    def lease(
        self,
        host_id: str,
        authorization: str | None,
        call: int,
        free_slots: int,
        running: Collection[str],
        facts: Mapping[str, Any] | None = None,
    ) -> LeaseAnswer:
        """Leases at most `free_slots` runners to the host; one whose token was lost on the way is leased again.

        `running` are the ids of all runners on the host: one that ran before and is missing now, without a result, is
        declared lost. `call` grows with each call of the host, which makes one at a time: a call that is carried out
        after a later one does not know the runners that the later one leased, and would give them up. `facts` is what
        the machine reports of itself when its agent has started again: its engines may be others by then. Raises
        Unauthenticated, Conflict (such a late call; `last_call` is the number of the last one).
        """
        host = self._check(host_id, authorization)
        now = self.clock()
        known = self.hosts.get_runners({*running, *host.handed, *host.running})
        missing = (host.running | host.handed) - set(running)
        waiting = {
            runner_id
            for runner_id in host.handed - set(running)
            if runner_id in known and known[runner_id].state is RunnerState.BOOTING
        }
        given_up = [
            known[runner_id] for runner_id in missing if runner_id in known and _claimed_by(host, known[runner_id])
        ]
        # Before anything else, so that `known` holds nothing that a later call has brought about. Runners to give up
        # are noted until the next call, which gives them up if this one does not get that far.
        listed = {*running, *(runner.runner_id for runner in given_up)}
        host = self._note_call(host, call, now, listed, host.handed - waiting, facts)
        for runner in given_up:
            self._give_up(host, runner)
        room = min(free_slots, _LEASES_PER_CALL)
        assignments = self._hand_again(host, sorted(waiting)[:room])
        running_by = Counter(runner.project for runner in known.values() if runner.state.live)
        assignments += self._hand_new(host, room - len(assignments), running_by)
        return LeaseAnswer(
            assignments,
            [runner_id for runner_id in running if _must_stop(known.get(runner_id), host, now)],
            self.work_notification.listen(host.organization, host.pool),
            POLL_SECONDS,
        )

    def _check(self, host_id: str, authorization: str | None) -> Host:
        token = bearer(authorization)
        organization, _, rest = token.partition(".")
        pool, _, _ = rest.partition(".")
        try:
            host = self.hosts.get_host(organization, pool, host_id)
        except NotFound:
            raise refuse("unknown_host", _REFUSED, host_id=host_id) from None
        if not matches(host.token_hash, token):
            refuse("wrong_host_token", _REFUSED, host_id=host_id)
            raise TokenRefused(
                _REFUSED,
                organization=organization,
                project=ALL_PROJECTS,
                actor=f"host:{host_id}",
                token_id=host_id,
                token_name=f"host {host.name} of pool {pool}",
            )
        return host

    def _note_call(
        self,
        host: Host,
        call: int,
        now: datetime,
        running: Collection[str],
        settled: Collection[str],
        facts: Mapping[str, Any] | None,
    ) -> Host:
        try:
            return self.hosts.note_call(host, call, now, running, settled, facts)
        except Conflict:
            last = self.hosts.get_host(host.organization, host.pool, host.host_id).last_call
            raise Conflict(
                f"Host {host.name} has made call {last}, which is not before call {call}.", last_call=last
            ) from None

    def _give_up(self, host: Host, runner: Runner) -> None:
        """Declares a runner lost at once, rather than at the end of its lease, since its process is gone."""
        if self.runners.declare_lost(runner):
            token = self.runners.get_runner(runner.runner_id).task_token
            if token:
                self.machines.fail(
                    token, RunnerLost(f"the runner's process on host {host.name} ended without a result: it was killed")
                )

    def _hand_again(self, host: Host, runner_ids: Sequence[str]) -> list[LeasedRunner]:
        handed = []
        for runner_id in runner_ids:
            token = new_token()
            if self.hosts.lease_again(host, runner_id, token_hash(token)):
                handed.append(LeasedRunner(runner_id, token))
        return handed

    def _hand_new(self, host: Host, room: int, running: Mapping[str, int]) -> list[LeasedRunner]:
        if room <= 0 or host.draining:
            return []
        # More than there is room for, since other hosts take some of them at this very moment.
        offers = in_fair_order(self._offers(host, 2 * room + 10), running)
        handed: list[LeasedRunner] = []
        missed: list[RunnerOffer] = []
        for index, offer in enumerate(offers):
            if len(handed) == room:
                if offers[index:]:
                    self.work_notification.ring(host.organization, host.pool)  # the rest is for the next host
                break
            token = new_token()
            if self.hosts.lease(host, offer, token_hash(token), self.clock()):
                handed.append(LeasedRunner(offer.runner_id, token))
            else:
                missed.append(offer)
        self._remove_stale(host, missed)
        return handed

    def _offers(self, host: Host, limit: int) -> Sequence[RunnerOffer]:
        """Returns offers that the host can run."""
        return self.hosts.list_offers(host.organization, host.pool, limit, host.facts.get(engines.FACT))

    def _remove_stale(self, host: Host, offers: Sequence[RunnerOffer]) -> None:
        """Removes offers that can never be leased: at the head of the list they would in the end hide all others."""
        if not offers:
            return
        known = self.hosts.get_runners(offer.runner_id for offer in offers)
        for offer in offers:
            runner = known.get(offer.runner_id)
            elsewhere = runner is not None and runner.pool != host.pool
            if runner is None or elsewhere or not runner.state.live or runner.cancel_reason:
                self.hosts.remove_offer(host.organization, host.pool, offer)


def _claimed_by(host: Host, runner: Runner) -> bool:
    return runner.state is RunnerState.CLAIMED and runner.host_id == host.host_id


def _must_stop(runner: Runner | None, host: Host, now: datetime) -> bool:
    """Returns True if the host must stop the runner; a completed one may end by itself until its lease ends."""
    if runner is None or (runner.organization, runner.pool) != (host.organization, host.pool):
        return True
    if runner.state is RunnerState.COMPLETED:
        return runner.lease_until is not None and now >= runner.lease_until
    return runner.state in {RunnerState.LOST, RunnerState.RELEASED}


def _attending(hosts: HostStore, organization: str, pool: str, since: datetime) -> Sequence[Host]:
    """Returns the hosts of a pool that were seen after `since` and do not drain."""
    return [host for host in hosts.list_hosts(organization, pool) if host.last_seen > since and not host.draining]
