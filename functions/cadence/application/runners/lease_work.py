"""Leases runners to the hosts of a pool."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cadence.application.access.authenticate import TokenRefused
from cadence.application.runners.runner_tokens import bearer, matches, new_token, refuse, token_hash
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import (
    Host,
    HostCall,
    HostStore,
    RunnerStore,
    WorkNotification,
    WorkNotificationUrl,
)
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.melodium import engines
from cadence.domain.placement.offer import RunnerOffer, in_fair_order
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, NotFound, RunnerLost

POLL_SECONDS = 20
# Bounds the time of one call; what is left over is leased by the next.
_LEASES_PER_CALL = 25
# An agent repeats its claim for a minute.
_CALLS_HOME_WITHIN = timedelta(minutes=2)
_REFUSED = "The host's token is not valid. Join the pool again with a join token."


@dataclass(frozen=True)
class LeasedRunner:
    """A runner for the host to start, and the one-time token with which its agent calls home."""

    runner_id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class LeaseAnswer:
    """The answer to a host that asks for work: runners to start, ids of runners to stop, and when to ask again.

    A host that is draining gets no `work_notification`: each notification reaches one host only.
    With the `claim_key` the host starts runners that notifications name; without one it has to ask for each.
    """

    assignments: Sequence[LeasedRunner]
    stop: Sequence[str]
    work_notification: WorkNotificationUrl | None
    poll_seconds: int
    claim_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class LeaseWork:
    """Answers a host that asks for work. `claim_key` returns the host's claim key."""

    hosts: HostStore
    runners: RunnerStore
    machines: Machines
    work_notification: WorkNotification
    claim_key: Callable[[Host], str]
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
        if host.last_call >= call:
            raise Conflict(
                f"Host {host.name} has made call {host.last_call}, which is not before call {call}.",
                last_call=host.last_call,
            )
        now = self.clock()
        known = self.hosts.get_runners({*running, *host.handed, *host.running})
        missing = (host.running | host.handed) - set(running)
        unreported = [known[name] for name in sorted(host.handed - set(running)) if name in known]
        waiting = [runner.runner_id for runner in unreported if _boots_on(runner, host)]
        # A call that was to lease it may still do so.
        undecided = [runner.runner_id for runner in unreported if _is_offered(runner, host)]
        given_up = [known[name] for name in missing if name in known and _claimed_by(host, known[name])]
        room = min(free_slots, _LEASES_PER_CALL)
        running_by = Counter(runner.project for runner in known.values() if runner.state.live)
        # Runners that the host has started by itself, and whose agents have not called home yet: another token would
        # make theirs invalid. An agent that never calls is the watchdog's once its runner is leased.
        starting = {name for name in running if name in known and _calls_home(known[name], host, now)}
        offers = [] if host.draining or room <= 0 else in_fair_order(self._offers(host, 2 * room + 10), running_by)
        offers = [offer for offer in offers if offer.runner_id not in starting]
        noted = HostCall(
            number=call,
            at=now,
            # Runners to give up are noted until the next call, which gives them up if this one does not get that far.
            running={*running, *(runner.runner_id for runner in given_up)},
            # Before they are leased, so that the next call knows them if this one does not get that far.
            handed={*waiting, *undecided, *(offer.runner_id for offer in offers[: max(0, room - len(waiting))])},
            facts=facts,
        )
        try:
            # Before anything else is written, so that `known` holds nothing that a later call has brought about.
            host = self.hosts.note_call(host, noted)
        except Conflict:
            # An earlier call, whose answer the host waits for no longer, was carried out since it was read.
            return self.lease(host_id, authorization, call, free_slots, running, facts)
        for runner in given_up:
            self._give_up(host, runner)
        assignments = self._hand_again(host, waiting[: max(0, room)])
        assignments += self._hand_new(host, noted, offers, room - len(assignments), {*running, *waiting})
        return LeaseAnswer(
            assignments,
            [runner_id for runner_id in running if _must_stop(known.get(runner_id), host, now)],
            None if host.draining else self.work_notification.listen(host.organization, host.pool),
            POLL_SECONDS,
            None if host.draining else self.claim_key(host),
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

    def _hand_new(
        self, host: Host, noted: HostCall, offers: Sequence[RunnerOffer], room: int, known: Collection[str]
    ) -> list[LeasedRunner]:
        """Leases at most `room` of the offers to the host, whose call is `noted`, and which has the `known` runners."""
        handed: list[LeasedRunner] = []
        missed: list[RunnerOffer] = []
        # There may be more than there is room for, since other hosts take some of them at this very moment.
        while offers and len(handed) < room:
            chosen, offers = offers[: room - len(handed)], offers[room - len(handed) :]
            if not {offer.runner_id for offer in chosen} <= host.handed:
                noted = replace(noted, handed={*host.handed, *(offer.runner_id for offer in chosen)}, facts=None)
                try:
                    host = self.hosts.note_call(host, noted)
                except Conflict:
                    break  # the host has made another call
            for offer in chosen:
                token = new_token()
                if self.hosts.lease(host, offer, token_hash(token), self.clock()):
                    handed.append(LeasedRunner(offer.runner_id, token))
                else:
                    missed.append(offer)
        if offers and room > 0:
            self.work_notification.ring(host.organization, host.pool)  # the rest is for the next host
        return handed + self._missed(host, missed, known)

    def _offers(self, host: Host, limit: int) -> Sequence[RunnerOffer]:
        """Returns offers that the host can run."""
        return self.hosts.list_offers(host.organization, host.pool, limit, host.facts.get(engines.FACT))

    def _missed(self, host: Host, offers: Sequence[RunnerOffer], known: Collection[str]) -> list[LeasedRunner]:
        """Removes offers that can never be leased: at the head of the list they would in the end hide all others.

        Those that an earlier call of the host has taken since this one has read its runners are handed over. The offer
        of a `known` runner has only stayed behind: a second token would make the first invalid.
        """
        found = self.hosts.get_runners(offer.runner_id for offer in offers) if offers else {}
        for offer in offers:
            runner = found.get(offer.runner_id)
            if runner is None or not _is_offered(runner, host):
                self.hosts.remove_offer(host.organization, host.pool, offer)
        taken = [name for name in sorted(found) if name not in known and _boots_on(found[name], host)]
        return self._hand_again(host, taken)


def _boots_on(runner: Runner, host: Host) -> bool:
    return runner.state is RunnerState.BOOTING and runner.host_id == host.host_id


def _is_offered(runner: Runner, host: Host) -> bool:
    return runner.state is RunnerState.OFFERED and runner.pool == host.pool and not runner.cancel_reason


def _calls_home(runner: Runner, host: Host, now: datetime) -> bool:
    return _is_offered(runner, host) and now < runner.created_at + _CALLS_HOME_WITHIN


def _claimed_by(host: Host, runner: Runner) -> bool:
    return runner.state is RunnerState.CLAIMED and runner.host_id == host.host_id


def _must_stop(runner: Runner | None, host: Host, now: datetime) -> bool:
    """Returns True if the host must stop the runner; a completed one may end by itself until its lease ends."""
    if runner is None or (runner.organization, runner.pool) != (host.organization, host.pool):
        return True
    if runner.state is RunnerState.COMPLETED:
        return runner.lease_until is not None and now >= runner.lease_until
    return runner.state in {RunnerState.LOST, RunnerState.RELEASED}
