"""The routes, a module for each kind of resource."""

from api.endpoint import Endpoint, Endpoints
from api.routes import (
    access,
    approvals,
    environments,
    githosts,
    insight,
    logs,
    pipelines,
    pools,
    quotas,
    replays,
    runs,
    secrets,
    service,
    treatments,
)

GROUPS: tuple[Endpoints, ...] = (
    pipelines.endpoints,
    runs.endpoints,
    approvals.endpoints,
    insight.endpoints,
    treatments.endpoints,
    replays.endpoints,
    logs.endpoints,
    secrets.endpoints,
    environments.endpoints,
    pools.endpoints,
    githosts.endpoints,
    access.endpoints,
    quotas.endpoints,
    service.endpoints,
)
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for group in GROUPS for endpoint in group.all)
