"""Organizations, their projects, and the API tokens with their permissions."""

import hashlib
import hmac
import re
import string
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALL_PROJECTS = "*"
ALL_PERMISSIONS = "*"

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


# A permission that contains another, by the other.
CONTAINED_IN: Mapping[str, Permission] = {Permission.RUNS_START_STORED: Permission.RUNS_START}


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
    A token with a `run` was created for the engine of that run and is valid for nothing else. `made_with` is the id of
    the token that it was created with, and ends with.
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
    """The authenticated sender of a request and its permissions. `run` is the run of an engine's token."""

    token_id: str
    name: str
    organization: str
    project: str
    permissions: frozenset[str]
    run: str | None = None

    def may(self, permission: str) -> bool:
        """Whether the principal has a permission."""
        wider = CONTAINED_IN.get(permission, permission)
        return not self.permissions.isdisjoint({ALL_PERMISSIONS, permission, wider})

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
