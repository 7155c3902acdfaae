"""Reads the gauges of this moment: active and waiting runs, hosts and slots, and the control plane's queues.

Each source reads a bounded number of small items, however much is stored.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cadence.application.limits.concurrency_limits import ConcurrencyLimitStore
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.limits.concurrency_limit import running_runs
from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import gauge
from cadence.domain.placement.pool import HOST

_PRESENT = timedelta(seconds=60)


class GaugeSource(Protocol):
    """Reads gauges."""

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        """Returns the gauges of `projects`, and those of the organization if the caller sees all of it (`whole`)."""


@dataclass(frozen=True)
class RunGauges:
    """Reads the numbers of active and waiting runs."""

    concurrency_limits: ConcurrencyLimitStore

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        concurrency_limit, _ = self.concurrency_limits.get(running_runs(organization))
        inside: Mapping[str, int] = concurrency_limit.inside if concurrency_limit else {}
        waiting: Counter[str] = Counter()
        for lane, standing in concurrency_limit.lanes.items() if concurrency_limit else ():
            waiting[lane.project] += standing.waiting
        return [
            gauge(catalog.ACTIVE_RUNS, (({"project": name}, inside.get(name, 0)) for name in projects)),
            gauge(catalog.WAITING_RUNS, (({"project": name}, waiting[name]) for name in projects)),
        ]


@dataclass(frozen=True)
class PoolGauges:
    """Reads the numbers of hosts and slots of pools."""

    pools: PoolStore
    hosts: HostStore
    clock: Clock

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        since = self.clock() - _PRESENT
        hosts, slots = [], []
        for pool in self.pools.list_pools(organization):
            if pool.provider != HOST or not any(pool.serves(project) for project in projects):
                continue
            present = [host for host in self.hosts.list_hosts(organization, pool.name) if host.last_seen >= since]
            busy = sum(min(len(host.running), host.slots) for host in present)
            hosts.append(({"pool": pool.name}, float(len(present))))
            slots.append(({"pool": pool.name, "state": "busy"}, float(busy)))
            slots.append(({"pool": pool.name, "state": "free"}, float(sum(host.slots for host in present) - busy)))
        return [gauge(catalog.HOSTS, hosts), gauge(catalog.SLOTS, slots)]


@dataclass(frozen=True)
class QueueDepth:
    """The number of messages in a queue; `failed` if it is a dead-letter queue."""

    name: str
    messages: int
    failed: bool


@dataclass(frozen=True)
class ControlPlaneGauges:
    """Reads the gauges of the whole installation, which a caller that sees only some projects does not get."""

    depths: Callable[[], Sequence[QueueDepth]]

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        if not whole:
            return []
        depths = self.depths()

        def of(failed: bool) -> Iterator[tuple[Mapping[str, str], float]]:
            return (({"queue": depth.name}, depth.messages) for depth in depths if depth.failed is failed)

        return [gauge(catalog.QUEUE_MESSAGES, of(False)), gauge(catalog.FAILED_MESSAGES, of(True))]
