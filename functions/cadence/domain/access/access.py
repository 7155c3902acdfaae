"""Organizations, their projects, and the API tokens with their permissions."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALL_PROJECTS = "*"
ALL_PERMISSIONS = "*"

_TOKEN = re.compile(r"cad_([0-9a-z]{26})_([A-Za-z0-9_-]{43})")


class Permission(StrEnum):
    """A permission of a token, `<resource>:<action>`; the names are part of the API."""

    PIPELINES_READ = "pipelines:read"
    PIPELINES_WRITE = "pipelines:write"
    RUNS_START = "runs:start"
    RUNS_READ = "runs:read"
    RUNS_CANCEL = "runs:cancel"
    RUNS_APPROVE = "runs:approve"
    RUNS_REPLAY = "runs:replay"
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
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
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


@dataclass(frozen=True)
class Organization:
    """An organization, which owns projects, pools and tokens."""

    name: str
    created_at: datetime


@dataclass(frozen=True)
class Project:
    """A project of an organization, which owns pipelines, runs and secrets."""

    organization: str
    name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A bearer token as stored: never its secret, only the secret's SHA-256 (hex).

    `project` is a project's name or `*`; `permissions` holds names of `Permission`, or `*` for all of them.
    A token with a `run` was created for the engine of that run and is valid for nothing else.
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

    def accepts(self, secret: str, now: datetime) -> bool:
        """Whether `secret` is this token's and the token has not expired.

        Takes the same time for every wrong secret.
        """
        equal = hmac.compare_digest(self.secret_sha256, secret_hash(secret))
        return equal and not self.has_expired(now)

    def has_expired(self, now: datetime) -> bool:
        """Whether the token's time is over."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The authenticated sender of a request and its permissions. `run` is the run of an engine's token."""

    token_id: str
    name: str
    organization: str
    project: str
    permissions: frozenset[str]
    run: str | None = None

    def may(self, permission: str) -> bool:
        """Whether the principal has a permission."""
        return ALL_PERMISSIONS in self.permissions or permission in self.permissions

    def sees(self, organization: str, project: str) -> bool:
        """Whether the principal may act in a project at all."""
        return organization == self.organization and self.project in (ALL_PROJECTS, project)

    def may_grant(self, project: str, permissions: Iterable[str]) -> bool:
        """Whether the principal has all of these permissions for the project itself, and so may grant them."""
        return self.project in (ALL_PROJECTS, project) and all(self.may(name) for name in permissions)


def secret_hash(secret: str) -> str:
    """Returns the SHA-256 (hex) of a token's secret. It has 256 random bits, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def format_token(token_id: str, secret: str) -> str:
    """Returns the text of a token: `cad_<id>_<secret>`."""
    return f"cad_{token_id}_{secret}"


def parse_token(text: str) -> tuple[str, str] | None:
    """Returns `(id, secret)`, or None if `text` does not have the form of a token."""
    match = _TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None
