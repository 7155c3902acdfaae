"""Lets machines join a pool as hosts, and lists those of a pool."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cadence.application.access.ports import AuditTrail
from cadence.application.runners.runner_tokens import new_token, token_hash
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.runner_ports import (
    HOST_GONE,
    HOST_SILENT,
    Host,
    HostStore,
)
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.melodium import engines
from cadence.domain.shared.errors import Conflict, Forbidden


@dataclass(frozen=True)
class JoinedHost:
    """A new host and its token, which is returned only once."""

    host_id: str
    token: str = field(repr=False)


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


def _attending(hosts: HostStore, organization: str, pool: str, since: datetime) -> Sequence[Host]:
    """Returns the hosts of a pool that were seen after `since` and do not drain."""
    return [host for host in hosts.list_hosts(organization, pool) if host.last_seen > since and not host.draining]
