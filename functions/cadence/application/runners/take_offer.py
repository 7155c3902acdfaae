"""Leases an offered runner to the host whose agent claims it, so that the host need not ask for work before."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cadence.application.runners.runner_tokens import claim_token, matches, refuse, refuse_runner, token_hash
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import Host, HostStore, RunnerStore
from cadence.domain.melodium import engines
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Gone, NotFound

_REFUSED = "The one-time token is not valid for this runner on this host."


@dataclass(frozen=True, kw_only=True)
class TakeOffer:
    """Leases a runner that its host has started by itself. `claim_key` returns the host's claim key."""

    runners: RunnerStore
    hosts: HostStore
    claim_key: Callable[[Host], str]
    clock: Clock

    def take(self, runner_id: str, token: str, host_id: str, last_call: int) -> None:
        """Leases the runner to the host, which started its agent after its call for work number `last_call`.

        `token`, which the host made from its claim key, is the runner's one-time token from now on. Does nothing if it
        is already. Raises Unauthenticated (another token) and Gone (the offer was taken or withdrawn, the host may not
        take it, or has since reported that the agent's process has ended).
        """
        try:
            runner = self.runners.get_runner(runner_id)
            host = self.hosts.get_host(runner.organization, runner.pool, host_id)
        except NotFound:
            raise refuse("unknown_runner", _REFUSED, runner_id=runner_id, host_id=host_id) from None
        if not hmac.compare_digest(claim_token(self.claim_key(host), runner_id), token):
            raise refuse_runner("wrong_claim_token", _REFUSED, runner)
        if matches(runner.one_time_hash, token):
            return
        # Known as handed to the host before it is leased, as with a call of the host: whatever ends half-way is found
        # by the host's next call.
        noted = _may_take(runner, host) and self._note(host, runner_id, last_call)
        if not noted or not self.hosts.lease(host, runner.as_offer, token_hash(token), self.clock()):
            raise Gone(f"Runner {runner_id} is not to be had any more.", state=str(runner.state))

    def _note(self, host: Host, runner_id: str, last_call: int) -> bool:
        if self.hosts.note_claim(host, runner_id, last_call):
            return True
        # The host has made a later call, which has reported the agent's process unless it had ended by then.
        return runner_id in self.hosts.get_host(host.organization, host.pool, host.host_id).running


def _may_take(runner: Runner, host: Host) -> bool:
    able = runner.engine is None or runner.engine in engines.able(host.facts.get(engines.FACT))
    return runner.state is RunnerState.OFFERED and able and not host.draining
