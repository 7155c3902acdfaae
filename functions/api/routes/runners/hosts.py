"""Self-registered hosts."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.placement.pools import visible_pools
from api.shapes import JsonObject
from cadence.application.shared.runner_ports import Host
from cadence.composition.api import Services
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.scopes import pool_scope
from cadence.domain.shared.errors import Forbidden

endpoints = Endpoints("hosts")


class HostView(Model):
    host_id: str
    pool: str
    name: str
    slots: int
    running: list[str] = Field(description="Runners that it reported.")
    labels: dict[str, str]
    draining: bool = Field(description="It gets no further work; what it runs goes on.")
    joined_at: datetime
    last_seen: datetime
    facts: JsonObject


class HostList(Model):
    items: list[HostView]
    next: str | None = None


@endpoints.add("GET", "/v1/hosts", Permission.HOSTS_READ, answers={200: HostList})
def list_hosts(call: Call, services: Services) -> HostList:
    """Lists the hosts that joined a pool."""
    pools = visible_pools(call.by, services)
    return HostList(
        items=[_view(one) for pool in pools for one in services.hosts.list_hosts(pool.organization, pool.name)]
    )


@endpoints.add(
    "POST", "/v1/pools/{pool}/hosts/{host}/drain", Permission.HOSTS_WRITE, answers={200: HostView}, errors=(404,)
)
def drain_host(call: Call, services: Services, pool: str, host: str) -> HostView:
    """Drains a host: it gets no further work; what it runs goes on.

    Needs a token for all projects.
    """
    return _view(services.hosts.drain(_organization(call.by, pool), pool, host, draining=True))


@endpoints.add(
    "POST", "/v1/pools/{pool}/hosts/{host}/resume", Permission.HOSTS_WRITE, answers={200: HostView}, errors=(404,)
)
def resume_host(call: Call, services: Services, pool: str, host: str) -> HostView:
    """Has a drained host get work again. Needs a token for all projects."""
    return _view(services.hosts.drain(_organization(call.by, pool), pool, host, draining=False))


@endpoints.add("DELETE", "/v1/pools/{pool}/hosts/{host}", Permission.HOSTS_WRITE, answers={204: None}, errors=(404,))
def forget_host(call: Call, services: Services, pool: str, host: str) -> Reply:
    """Removes a host: its token is refused from now on.

    If its agent still runs and has a join token, it joins as a new one. Needs a token for all projects.
    """
    organization = _organization(call.by, pool)
    services.hosts.get_host(organization, pool, host)
    services.hosts.forget(organization, pool, host)
    return Reply(None, 204)


def _organization(principal: Principal, pool: str) -> str:
    if not principal.covers(pool_scope(pool)):
        raise Forbidden("Only a token for all projects can change hosts.")
    return principal.organization


def _view(host: Host) -> HostView:
    return HostView(
        host_id=host.host_id,
        pool=host.pool,
        name=host.name,
        slots=host.slots,
        running=sorted(host.running),
        labels=dict(host.labels),
        draining=host.draining,
        joined_at=host.joined_at,
        last_seen=host.last_seen,
        facts=dict(host.facts),
    )
