"""Leases runners to the hosts of a pool."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
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

POLL_SECONDS = 10
# Bounds the time of one call; what is left over is leased by the next.
_LEASES_PER_CALL = 25
_REFUSED = "The host's token is not valid. Join the pool again with a join token."


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
        # Runners to give up are noted until the next call, which gives them up if this one does not get that far.
        listed = {*running, *(runner.runner_id for runner in given_up)}
        noted = HostCall(number=call, at=now, running=listed, settled=host.handed - waiting, facts=facts)
        room = min(free_slots, _LEASES_PER_CALL)
        running_by = Counter(runner.project for runner in known.values() if runner.state.live)
        # Before anything else is written, so that `known` holds nothing that a later call has brought about.
        if given_up or waiting or facts is not None or room <= 0 or host.draining:
            host = self._note_call(host, noted)
            for runner in given_up:
                self._give_up(host, runner)
            assignments = self._hand_again(host, sorted(waiting)[:room])
            assignments += self._hand_new(host, room - len(assignments), running_by)
        else:
            assignments = self._hand_new(host, room, running_by, noted)
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

    def _note_call(self, host: Host, call: HostCall) -> Host:
        try:
            return self.hosts.note_call(host, call)
        except Conflict:
            last = self.hosts.get_host(host.organization, host.pool, host.host_id).last_call
            raise Conflict(
                f"Host {host.name} has made call {last}, which is not before call {call.number}.", last_call=last
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

    def _hand_new(
        self, host: Host, room: int, running: Mapping[str, int], call: HostCall | None = None
    ) -> list[LeasedRunner]:
        """Leases new runners to the host; `call` is noted as well, if it was not yet."""
        if room <= 0 or host.draining:
            return []
        # More than there is room for, since other hosts take some of them at this very moment.
        offers = in_fair_order(self._offers(host, 2 * room + 10), running)
        handed: list[LeasedRunner] = []
        if call is not None:
            host, handed = self._hand_with_call(host, call, offers[:1])
            offers = offers[len(handed) :]
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

    def _hand_with_call(
        self, host: Host, call: HostCall, offers: Sequence[RunnerOffer]
    ) -> tuple[Host, list[LeasedRunner]]:
        """Notes the call, in one transaction with the lease of the only offer if that succeeds, else by itself."""
        for offer in offers:
            token = new_token()
            if self.hosts.lease(host, offer, token_hash(token), call.at, call):
                return replace(host, last_call=call.number), [LeasedRunner(offer.runner_id, token)]
        return self._note_call(host, call), []

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
