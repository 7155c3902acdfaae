"""`HostStore` on the `runners` table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.runners.runner_items import ITEMS, HostItem, OfferItem, RunnerItem, pool_partition
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.runner_ports import Host, HostCall
from cadence.domain.melodium.engines import able
from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, NotFound, Transient

_LAST = "~"  # sorts after everything that a key may hold
# A host that was not seen for this long is forgotten and has to join again.
KEPT = timedelta(days=30)


class DynamoHostStore:
    def __init__(self, table_name: str) -> None:
        for model in ITEMS:
            bind(model, table_name)
        self._connection = transaction_connection()

    def put_host(self, host: Host) -> None:
        item = HostItem(
            *HostItem.key(host.organization, host.pool, host.host_id),
            host_id=host.host_id,
            organization=host.organization,
            pool=host.pool,
            name=host.name,
            slots=host.slots,
            token_hash=host.token_hash,
            joined_at=host.joined_at,
            last_seen=host.last_seen,
            facts=dict(host.facts),
            labels=dict(host.labels),
            last_call=host.last_call,
            expires_at=host.last_seen + KEPT,
        )
        with translated(f"host {host.host_id}"):
            item.save()

    def get_host(self, organization: str, pool: str, host_id: str) -> Host:
        try:
            with translated(f"host {host_id}"):
                return HostItem.get(*HostItem.key(organization, pool, host_id), consistent_read=True).host()
        except DoesNotExist:
            raise NotFound(f"There is no host {host_id} in pool {pool}.") from None

    def list_hosts(self, organization: str, pool: str) -> Sequence[Host]:
        with translated(f"hosts of pool {pool}"):
            items = HostItem.query(pool_partition(organization, pool), HostItem.sk.startswith(HostItem.PREFIX))
            return [item.host() for item in items]

    def drain(self, organization: str, pool: str, host_id: str, draining: bool) -> Host:
        host = self.get_host(organization, pool, host_id)
        with translated(f"host {host_id}"):
            _host(host).update(actions=[HostItem.draining.set(draining)], condition=HostItem.pk.exists())
        return replace(host, draining=draining)

    def forget(self, organization: str, pool: str, host_id: str) -> None:
        with translated(f"host {host_id}"):
            HostItem(*HostItem.key(organization, pool, host_id)).delete()

    def note_call(self, host: Host, call: HostCall) -> Host:
        item = _host(host)
        running, handed = set(call.running), set(call.handed)  # DynamoDB knows no empty set
        actions: list[Action] = [
            HostItem.last_seen.set(call.at),
            HostItem.expires_at.set(call.at + KEPT),
            HostItem.last_call.set(call.number),
            HostItem.running.set(running) if running else HostItem.running.remove(),
            HostItem.handed.set(handed) if handed else HostItem.handed.remove(),
        ]
        if call.facts is not None:
            actions.append(HostItem.facts.set(dict(call.facts)))
        with translated(f"host {host.host_id}"):
            item.update(actions=actions, condition=_same_call(host) & _same_handed(host))
        return item.host()

    def note_claim(self, host: Host, runner_id: str, last_call: int) -> bool:
        try:
            with translated(f"host {host.host_id}"):
                _host(host).update(
                    [HostItem.handed.add({runner_id}), HostItem.last_call.set(last_call)],
                    HostItem.last_call <= last_call,
                )
        except Conflict:
            return False
        return True

    def put_offer(self, runner: Runner, at: datetime) -> None:
        with translated(f"offer of runner {runner.runner_id}"):
            OfferItem.of(runner, at).save()

    def remove_offer(self, organization: str, pool: str, offer: RunnerOffer) -> None:
        with translated(f"offer of runner {offer.runner_id}"):
            OfferItem(*OfferItem.key(organization, pool, offer)).delete()

    def list_offers(self, organization: str, pool: str, limit: int, engine: str | None = None) -> Sequence[RunnerOffer]:
        offers: list[RunnerOffer] = []
        after = OfferItem.PREFIX
        with translated(f"offers of pool {pool}"):
            while True:
                page = self._offers(organization, pool, after, limit, engine)
                offers += page
                if len(page) < limit or sum(offer.priority > page[-1].priority for offer in offers) >= limit:
                    return offers
                # The remaining offers of this project sort after these anyway.
                after = OfferItem.lane(page[-1]) + _LAST

    @staticmethod
    def _offers(organization: str, pool: str, after: str, limit: int, engine: str | None) -> list[RunnerOffer]:
        between = OfferItem.sk.between(after, OfferItem.PREFIX + _LAST)
        doable = OfferItem.engine.does_not_exist()
        if can := able(engine):
            doable |= OfferItem.engine.is_in(*can)
        items = OfferItem.query(pool_partition(organization, pool), between, doable, limit=limit)
        return [item.offer() for item in items]

    def lease(self, host: Host, offer: RunnerOffer, one_time_hash: str, at: datetime) -> bool:
        try:
            with translated(f"offer of runner {offer.runner_id}"):
                RunnerItem(*RunnerItem.key(offer.runner_id)).update(
                    [
                        RunnerItem.state.set(str(RunnerState.BOOTING)),
                        RunnerItem.host_id.set(host.host_id),
                        RunnerItem.one_time_hash.set(one_time_hash),
                        RunnerItem.booting_at.set(at),
                    ],
                    (RunnerItem.state == str(RunnerState.OFFERED))
                    & (RunnerItem.pool == host.pool)
                    & RunnerItem.cancel_reason.does_not_exist(),
                )
        except (Conflict, Transient):
            return False  # taken by another host, stopped, or being taken right now
        # Nobody can take it any more; one that stays behind is removed by the next host that tries.
        self.remove_offer(host.organization, host.pool, offer)
        return True

    def lease_again(self, host: Host, runner_id: str, one_time_hash: str) -> bool:
        still_booting_here = (RunnerItem.state == str(RunnerState.BOOTING)) & (RunnerItem.host_id == host.host_id)
        try:
            with translated(f"runner {runner_id}"), TransactWrite(connection=self._connection) as transaction:
                transaction.condition_check(HostItem, *_host_key(host), condition=_same_call(host))
                transaction.update(
                    RunnerItem(*RunnerItem.key(runner_id)),
                    [RunnerItem.one_time_hash.set(one_time_hash)],
                    still_booting_here,
                )
        except (Conflict, Transient):
            return False
        return True

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        keys = [RunnerItem.key(runner_id) for runner_id in sorted(set(runner_ids))]
        with translated("the runners of a host"):
            items = RunnerItem.batch_get(keys, consistent_read=True)
            return {item.runner_id: item.runner() for item in items}


def _host(host: Host) -> HostItem:
    return HostItem(*_host_key(host))


def _host_key(host: Host) -> tuple[str, str]:
    return HostItem.key(host.organization, host.pool, host.host_id)


def _same_call(host: Host) -> Condition:
    return HostItem.last_call == host.last_call


def _same_handed(host: Host) -> Condition:
    """Holds while no runner was handed to the host since it was read: during a call, the set only grows."""
    size_of: Any = size  # pynamodb declares no types for it
    same: Condition = size_of(HostItem.handed) == len(host.handed)
    return same if host.handed else HostItem.handed.does_not_exist()
