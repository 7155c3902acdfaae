"""The routes, a module for each kind of resource."""

from api.endpoint import Endpoint, Endpoints
from api.routes import access, githosts, insight, logs, pipelines, pools, runs, secrets, service

GROUPS: tuple[Endpoints, ...] = (
    pipelines.endpoints,
    runs.endpoints,
    insight.endpoints,
    logs.endpoints,
    secrets.endpoints,
    pools.endpoints,
    githosts.endpoints,
    access.endpoints,
    service.endpoints,
)
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for group in GROUPS for endpoint in group.all)
