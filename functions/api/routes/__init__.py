"""The routes, a module for each kind of resource."""

from api.endpoint import Endpoint, Endpoints
from api.routes import (
    access,
    alert_channels,
    alerts,
    approvals,
    environments,
    exports,
    githosts,
    insight,
    logs,
    pipelines,
    pools,
    programs,
    provenance,
    quotas,
    replays,
    runs,
    search,
    secrets,
    service,
    treatments,
)

GROUPS: tuple[Endpoints, ...] = (
    pipelines.endpoints,
    programs.endpoints,
    runs.endpoints,
    approvals.endpoints,
    insight.endpoints,
    treatments.endpoints,
    provenance.endpoints,
    replays.endpoints,
    logs.endpoints,
    search.endpoints,
    secrets.endpoints,
    environments.endpoints,
    pools.endpoints,
    githosts.endpoints,
    access.endpoints,
    quotas.endpoints,
    exports.endpoints,
    alerts.endpoints,
    alert_channels.endpoints,
    service.endpoints,
)
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for group in GROUPS for endpoint in group.all)
