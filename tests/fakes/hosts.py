"""`HostStore` in memory, beside `MemoryOffers`."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.shared.runner_ports import Host, HostCall
from cadence.domain.melodium.engines import able
from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, NotFound
from tests.fakes.offers import MemoryOffers


@dataclass
class MemoryHosts:
    """Each call is atomic."""

    offers: MemoryOffers
    hosts: dict[str, Host] = field(default_factory=dict)

    def put_host(self, host: Host) -> None:
        self.hosts[host.host_id] = host

    def get_host(self, organization: str, pool: str, host_id: str) -> Host:
        host = self.hosts.get(host_id)
        if host is None or (host.organization, host.pool) != (organization, pool):
            raise NotFound(f"There is no host {host_id} in pool {pool}.")
        return host

    def list_hosts(self, organization: str, pool: str) -> Sequence[Host]:
        return [one for one in self.hosts.values() if (one.organization, one.pool) == (organization, pool)]

    def drain(self, organization: str, pool: str, host_id: str, draining: bool) -> Host:
        host = dataclasses.replace(self.get_host(organization, pool, host_id), draining=draining)
        self.hosts[host_id] = host
        return host

    def forget(self, organization: str, pool: str, host_id: str) -> None:
        self.hosts.pop(host_id, None)

    def note_call(self, host: Host, call: HostCall) -> Host:
        stored = self.hosts.get(host.host_id)
        if stored is None or (stored.last_call, stored.handed) != (host.last_call, host.handed):
            raise Conflict(f"host {host.host_id} is gone, or has made another call")
        self.hosts[host.host_id] = dataclasses.replace(
            stored,
            last_seen=call.at,
            running=frozenset(call.running),
            handed=frozenset(call.handed),
            last_call=call.number,
            facts=stored.facts if call.facts is None else call.facts,
        )
        return self.hosts[host.host_id]

    def note_claim(self, host: Host, runner_id: str, last_call: int) -> bool:
        stored = self.hosts.get(host.host_id)
        if stored is None or stored.last_call > last_call:
            return False
        handed = stored.handed | {runner_id}
        self.hosts[host.host_id] = dataclasses.replace(stored, handed=handed, last_call=last_call)
        return True

    def put_offer(self, runner: Runner, at: datetime) -> None:
        self.offers.put_offer(runner, at)

    def remove_offer(self, organization: str, pool: str, offer: RunnerOffer) -> None:
        self.offers.offered.discard(offer.runner_id)

    def list_offers(self, organization: str, pool: str, limit: int, engine: str | None = None) -> Sequence[RunnerOffer]:
        known = self.get_runners(self.offers.offered)
        offers = [one.as_offer for _, one in sorted(known.items()) if one.pool == pool]
        return [one for one in offers if one.engine is None or one.engine in able(engine)]

    def lease(self, host: Host, offer: RunnerOffer, one_time_hash: str, at: datetime) -> bool:
        runner = self.offers.runners.runners.get(offer.runner_id)
        if runner is None or runner.pool != host.pool or runner.cancel_reason:
            return False
        if runner.state is not RunnerState.OFFERED:
            return False
        self.offers.offered.discard(offer.runner_id)
        self.offers.runners.change_runner(
            offer.runner_id,
            {RunnerState.OFFERED},
            state=RunnerState.BOOTING,
            host_id=host.host_id,
            one_time_hash=one_time_hash,
            booting_at=at,
        )
        return True

    def lease_again(self, host: Host, runner_id: str, one_time_hash: str) -> bool:
        runner = self.offers.runners.runners.get(runner_id)
        if runner is None or runner.state is not RunnerState.BOOTING or runner.host_id != host.host_id:
            return False
        if not self._same_call(host):
            return False
        self.offers.runners.change_runner(runner_id, {RunnerState.BOOTING}, one_time_hash=one_time_hash)
        return True

    def _same_call(self, host: Host) -> bool:
        stored = self.hosts.get(host.host_id)
        return stored is not None and stored.last_call == host.last_call

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        return self.offers.runners.get_runners(runner_ids)
