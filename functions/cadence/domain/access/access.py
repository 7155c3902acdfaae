"""Organizations, their projects, and the API tokens with their permissions."""

import hashlib
import hmac
import re
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cadence.domain.access.decisions import ALL_PERMISSIONS as ALL_PERMISSIONS
from cadence.domain.access.decisions import CONTAINED_IN as CONTAINED_IN
from cadence.domain.access.decisions import AccessAllowed, AccessRefused, Right, decide
from cadence.domain.access.scopes import ORGANIZATION, Scope, ScopeKind, pool_scope, project_scope

ALL_PROJECTS = "*"

_TOKEN = re.compile(r"cad_([0-9a-z]{26})_([A-Za-z0-9_-]{43})([0-9A-Za-z]{6})")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKSUM_LENGTH = 6


class Permission(StrEnum):
    """A permission of a token, `<resource>:<action>`; the names are part of the API."""

    PIPELINES_READ = "pipelines:read"
    PIPELINES_WRITE = "pipelines:write"
    RUNS_START = "runs:start"  # of stored pipelines, and of documents in the request
    RUNS_START_STORED = "runs:start-stored"  # of stored pipelines only
    RUNS_READ = "runs:read"
    RUNS_CANCEL = "runs:cancel"
    RUNS_APPROVE = "runs:approve"
    RUNS_REPLAY = "runs:replay"
    RUNS_SHELL = "runs:shell"  # an interactive shell beside a treatment's command, with all of its secrets
    VALUES_READ = "values:read"
    LOGS_READ = "logs:read"
    SECRETS_READ = "secrets:read"  # names and versions; a secret's value is never read back
    SECRETS_WRITE = "secrets:write"
    ENVIRONMENTS_READ = "environments:read"
    ENVIRONMENTS_WRITE = "environments:write"
    POOLS_READ = "pools:read"
    POOLS_WRITE = "pools:write"
    HOSTS_READ = "hosts:read"
    HOSTS_JOIN = "hosts:join"
    HOSTS_WRITE = "hosts:write"
    RUNNERS_READ = "runners:read"
    RUNNERS_HOLD = "runners:hold"
    GITHOSTS_READ = "githosts:read"
    GITHOSTS_WRITE = "githosts:write"
    REPOSITORIES_READ = "repositories:read"
    REPOSITORIES_WRITE = "repositories:write"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    # Creating, renaming and deleting organizations: for the organization that runs the installation only.
    ORGANIZATIONS_MANAGE = "organizations:manage"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    MEMBERS_ERASE = "members:erase"  # removing what is stored of a person, the name included
    TEAMS_READ = "teams:read"
    TEAMS_WRITE = "teams:write"
    SERVICE_ACCOUNTS_READ = "service-accounts:read"
    SERVICE_ACCOUNTS_WRITE = "service-accounts:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    GRANTS_READ = "grants:read"
    GRANTS_WRITE = "grants:write"
    INVITATIONS_READ = "invitations:read"
    INVITATIONS_WRITE = "invitations:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    PROJECTS_DELETE = "projects:delete"
    PROJECTS_HOLD = "projects:hold"  # setting and releasing legal holds
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    METRICS_READ = "metrics:read"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    MELODIUM_REPORT = "melodium:report"  # sending the reports of engines
    MELODIUM_DISPATCH = "melodium:dispatch"  # asking for distant workers
    DEAD_LETTERS_READ = "dead-letters:read"
    DEAD_LETTERS_WRITE = "dead-letters:write"
    AUDIT_READ = "audit:read"
    SCIM_PROVISION = "scim:provision"  # users and groups of an organization, by a provisioning service


@dataclass(frozen=True)
class Organization:
    """An organization, which owns projects, pools and tokens.

    `name` is a part of keys, addresses and identity tokens, and never changes; `display_name` is shown beside it
    (empty: there is none). `deletion` is the id of the deletion that is removing it, or has removed it.
    """

    name: str
    created_at: datetime
    display_name: str = ""
    deletion: str | None = None


@dataclass(frozen=True)
class Project:
    """A project of an organization, which owns pipelines, runs and secrets.

    `deletion` is the id of the deletion that is removing it, if one is.
    """

    organization: str
    name: str
    created_at: datetime
    deletion: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A bearer token as stored: never its secret, only the secret's SHA-256 (hex).

    `project` is a project's name or `*`; `permissions` holds names of `Permission`, or `*` for all of them.
    A token with a `run` was created for the engine of that run and is valid for nothing else. A token with a `subject`
    (`member:ID` or `service-account:NAME`) acts with that subject's grants, as far as project and permissions allow.
    `made_with` is the id of the token that it was created with, and ends with.
    """

    token_id: str
    organization: str
    project: str
    name: str
    secret_sha256: str
    permissions: frozenset[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    run: str | None = None
    subject: str | None = None
    made_with: str | None = None

    def lives(self, now: datetime) -> bool:
        """Whether the token has not expired."""
        return self.expires_at is None or now < self.expires_at

    def accepts(self, secret: str, now: datetime) -> bool:
        """Whether `secret` is this token's and the token has not expired.

        Takes the same time for every wrong secret.
        """
        return hmac.compare_digest(self.secret_sha256, secret_hash(secret)) and self.lives(now)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The authenticated sender of a request.

    `project` and `permissions` are the token's own. A token of a member or service account has a `subject`, and
    `rights`: what is granted to it in `organization`, where grants hold for `subjects`: itself and its teams, or only
    its teams as guests. `asked` is the permission of the route that is being answered:
    what the principal sees is that at which it has this permission. `run` is the run of an engine's token.
    """

    token_id: str
    name: str
    organization: str
    project: str
    permissions: frozenset[str]
    run: str | None = None
    subject: str | None = None
    rights: tuple[Right, ...] | None = None
    subjects: frozenset[str] = frozenset()
    asked: str | None = None

    @property
    def actor_id(self) -> str:
        """The id that records refer to: the member's or service account's, or the token's if it has none."""
        return self.subject or self.token_id

    @property
    def is_guest(self) -> bool:
        """Whether it acts in an organization of which it is no member or account, through its teams."""
        return self.subject is not None and self.subject not in self.subjects

    @property
    def author(self) -> str:
        """What records call the principal: the id of a member or service account, or the token's name.

        A member's name proves nothing, since members choose it.
        """
        return self.subject or self.name

    @property
    def own(self) -> Right:
        """What the token itself allows."""
        return Right(
            grant_id=self.token_id,
            subject=f"token:{self.token_id}",
            role="token",
            scope=project_scope(self.project),
            permissions=self.permissions,
        )

    def decide(self, permission: str, thing: Scope) -> AccessAllowed | AccessRefused:
        """Decides whether the principal has a permission at `thing`."""
        if self.rights is None:
            return decide((self.own,), permission, thing)
        return decide(self.rights, permission, thing, cap=self.own)

    def has(self, permission: str, thing: Scope) -> bool:
        """Whether the principal has a permission at `thing`."""
        return isinstance(self.decide(permission, thing), AccessAllowed)

    def may(self, permission: str) -> bool:
        """Whether the principal has a permission anywhere."""
        return self.own.has(permission) and any(right.has(permission) for right in self._held())

    def covers(self, thing: Scope) -> bool:
        """Whether the principal has the permission that is asked for at `thing`."""
        if self.asked is None:
            # Without a route, only a token of its own is known to have what it was checked for.
            return self.rights is None and self.own.scope.covers(thing)
        return self.has(self.asked, thing)

    def sees(
        self, organization: str, project: str, *, pipeline: str | None = None, environment: str | None = None
    ) -> bool:
        """Whether the principal has the permission that is asked for in a project, or at one thing of it."""
        thing = project_scope(project, pipeline=pipeline, environment=environment)
        return organization == self.organization and self.covers(thing)

    def sees_within(self, organization: str, project: str) -> bool:
        """Whether the principal has the permission that is asked for in a project or at anything in it."""
        if organization != self.organization:
            return False
        if self.sees(organization, project):
            return True
        if self.rights is None or self.asked is None or not self.own.allows(self.asked, project_scope(project)):
            return False
        return any(right.scope.project == project and right.has(self.asked) for right in self.rights)

    def sees_pool(self, pool: str, projects: Iterable[str]) -> bool:
        """Whether the principal has the permission that is asked for at a pool, or in a project that may use it."""
        if self.covers(pool_scope(pool)):
            return True
        served = frozenset(projects)
        if ALL_PROJECTS not in served:
            return any(self.covers(project_scope(project)) for project in served)
        if self.rights is None or self.asked is None:
            return True
        return self.own.has(self.asked) and any(
            right.scope.kind is ScopeKind.PROJECT and right.has(self.asked) and self.covers(right.scope)
            for right in self.rights
        )

    def reaches(self, thing: Scope) -> bool:
        """Whether the principal has any permission at `thing`, so that it may know that it exists."""
        held = any(right.permissions and right.scope.covers(thing) for right in self._held())
        return held and self.own.scope.covers(thing)

    @property
    def whole_organization(self) -> bool:
        """Whether the principal has the permission that is asked for in the whole organization."""
        return self.covers(ORGANIZATION)

    def outranks(self, permissions: Iterable[str], thing: Scope) -> bool:
        """Whether the principal itself has all of these permissions at `thing`, and so may give them to others."""
        return all(self.has(name, thing) for name in permissions)

    def may_grant(self, project: str, permissions: Iterable[str]) -> bool:
        """Whether the principal may give these permissions for the project (`*`: for all) to a token."""
        thing = project_scope(project)
        if self.subject is not None:
            # Such a token acts with the same grants, so that only the limit of this one has to be kept.
            return all(self.own.allows(name, thing) for name in permissions)
        return self.outranks(permissions, thing)

    def _held(self) -> tuple[Right, ...]:
        return (self.own,) if self.rights is None else self.rights


def secret_hash(secret: str) -> str:
    """Returns the SHA-256 (hex) of a token's secret. It has 256 random bits, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def format_token(token_id: str, secret: str) -> str:
    """Returns the text of a token: `cad_<id>_<secret><checksum>`.

    By its checksum a scanner recognises a token without asking anyone.
    """
    text = f"cad_{token_id}_{secret}"
    return text + _checksum(text)


def parse_token(text: str) -> tuple[str, str] | None:
    """Returns `(id, secret)`, or None if `text` does not have the form of a token."""
    match = _TOKEN.fullmatch(text)
    if match is None or match[3] != _checksum(text[:-_CHECKSUM_LENGTH]):
        return None
    return match[1], match[2]


def _checksum(text: str) -> str:
    """Returns the CRC-32 of a text in base 62, with leading zeros."""
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
