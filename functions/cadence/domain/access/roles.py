"""The roles that every organization has."""

from collections.abc import Mapping
from types import MappingProxyType

from cadence.domain.access.access import Permission

_VIEWER = frozenset(
    {
        Permission.PIPELINES_READ,
        Permission.RUNS_READ,
        Permission.VALUES_READ,
        Permission.LOGS_READ,
        Permission.ENVIRONMENTS_READ,
        Permission.POOLS_READ,
        Permission.HOSTS_READ,
        Permission.RUNNERS_READ,
        Permission.GITHOSTS_READ,
        Permission.REPOSITORIES_READ,
        Permission.ORGANIZATIONS_READ,
        Permission.PROJECTS_READ,
        Permission.METRICS_READ,
        Permission.ALERTS_READ,
    }
)
_DEVELOPER = _VIEWER | {
    Permission.PIPELINES_WRITE,
    Permission.RUNS_START,
    Permission.RUNS_START_STORED,
    Permission.RUNS_CANCEL,
    Permission.RUNS_REPLAY,
    Permission.RUNNERS_HOLD,
    Permission.SECRETS_READ,
    Permission.ALERTS_WRITE,
    Permission.DEAD_LETTERS_READ,
    Permission.TOKENS_READ,
    Permission.TOKENS_WRITE,
}
_MAINTAINER = _DEVELOPER | {
    Permission.RUNS_APPROVE,
    Permission.RUNS_SHELL,
    Permission.SECRETS_WRITE,
    Permission.ENVIRONMENTS_WRITE,
    Permission.POOLS_WRITE,
    Permission.HOSTS_JOIN,
    Permission.HOSTS_WRITE,
    Permission.GITHOSTS_WRITE,
    Permission.REPOSITORIES_WRITE,
    Permission.PROJECTS_WRITE,
    Permission.EXPORTS_READ,
    Permission.EXPORTS_WRITE,
    Permission.MELODIUM_REPORT,
    Permission.MELODIUM_DISPATCH,
    Permission.DEAD_LETTERS_WRITE,
    Permission.GRANTS_READ,
    Permission.GRANTS_WRITE,
}
_AUDITOR = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.ORGANIZATIONS_READ,
        Permission.PROJECTS_READ,
        Permission.MEMBERS_READ,
        Permission.TEAMS_READ,
        Permission.SERVICE_ACCOUNTS_READ,
        Permission.ROLES_READ,
        Permission.GRANTS_READ,
        Permission.INVITATIONS_READ,
        Permission.TOKENS_READ,
        Permission.SECRETS_READ,
        Permission.ENVIRONMENTS_READ,
        Permission.POOLS_READ,
        Permission.GITHOSTS_READ,
        Permission.REPOSITORIES_READ,
        Permission.EXPORTS_READ,
    }
)

BUILT_IN_ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "viewer": frozenset(map(str, _VIEWER)),
        "developer": frozenset(map(str, _DEVELOPER)),
        "maintainer": frozenset(map(str, _MAINTAINER)),
        "admin": frozenset(map(str, frozenset(Permission) - {Permission.ORGANIZATIONS_MANAGE})),
        "auditor": frozenset(map(str, _AUDITOR)),
    }
)
"""The roles that every organization has, with their permissions."""
