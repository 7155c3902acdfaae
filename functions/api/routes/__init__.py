"""The routes, a module for each kind of resource."""

from api.endpoint import Endpoint, Endpoints
from api.routes import service
from api.routes.access import (
    audit,
    directories,
    grants,
    identity_providers,
    invitations,
    members,
    organizations,
    scim_groups,
    scim_service,
    scim_users,
    secrets,
    self,
    service_accounts,
    sessions,
    shared_secrets,
    token_policy,
)
from api.routes.alerts import alert_channels, alerts
from api.routes.dead_letters import dead_letters
from api.routes.deletion import deletions, erasures, holds, organization_deletions
from api.routes.description import describe
from api.routes.exports import exports
from api.routes.insight import treatments
from api.routes.limits import approvals, environments, quotas
from api.routes.logs import logs
from api.routes.pipelines import badges, pipelines, programs
from api.routes.placement import pools
from api.routes.provenance import provenance
from api.routes.replay import diffs, replays
from api.routes.repositories import github_apps, repositories
from api.routes.runners import hosts, identity, shells
from api.routes.runs import live_tickets, run_changes, run_details, run_history, run_summaries, runs
from api.routes.search import search
from api.routes.test_reports import results
from api.routes.triggers import githosts
from api.routes.values import retention, run_data, storage

_RESOURCES: tuple[Endpoints, ...] = (
    pipelines.endpoints,
    programs.endpoints,
    badges.endpoints,
    runs.endpoints,
    run_data.endpoints,
    run_changes.endpoints,
    live_tickets.endpoints,
    run_history.endpoints,
    approvals.endpoints,
    run_details.endpoints,
    run_summaries.endpoints,
    treatments.endpoints,
    provenance.endpoints,
    replays.endpoints,
    diffs.endpoints,
    logs.endpoints,
    search.endpoints,
    secrets.endpoints,
    shared_secrets.endpoints,
    environments.endpoints,
    pools.endpoints,
    hosts.endpoints,
    identity.endpoints,
    shells.endpoints,
    repositories.endpoints,
    github_apps.endpoints,
    results.endpoints,
    githosts.endpoints,
    organizations.endpoints,
    deletions.endpoints,
    organization_deletions.endpoints,
    holds.endpoints,
    erasures.endpoints,
    members.endpoints,
    service_accounts.endpoints,
    grants.endpoints,
    invitations.endpoints,
    identity_providers.endpoints,
    directories.endpoints,
    scim_users.endpoints,
    scim_groups.endpoints,
    scim_service.endpoints,
    self.endpoints,
    sessions.endpoints,
    token_policy.endpoints,
    quotas.endpoints,
    exports.endpoints,
    alerts.endpoints,
    alert_channels.endpoints,
    dead_letters.endpoints,
    retention.endpoints,
    storage.endpoints,
    audit.endpoints,
    service.endpoints,
)
GROUPS: tuple[Endpoints, ...] = (*_RESOURCES, describe(_RESOURCES))
ENDPOINTS: tuple[Endpoint, ...] = tuple(endpoint for group in GROUPS for endpoint in group.all)
