"""Items of the `access` table. Keys are in docs/architecture/storage.md."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)

from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.domain.access.access import ApiToken, Organization, Project
from cadence.domain.access.engine_tokens import is_engine_token, limited_to_engine
from cadence.domain.limits.quotas import DEFAULT_RUNNING_RUNS, Quotas
from cadence.domain.placement.pool import LargestRunner, Pool, Price
from cadence.domain.placement.pool_policy import Budget, InstanceOffer, Policy, WarmWindow
from cadence.domain.triggers.githost import GitHost, webhook_kind
from cadence.domain.values.value_retention import ValuePolicy


class AccessTable(StoredItem):
    """What all items of the table share. Each kind of item is a subclass."""

    class Meta:
        table_name: ClassVar[str] = "access"


def organization_key(organization: str) -> str:
    return f"ORG#{organization}"


class OrganizationItem(AccessTable):
    SK: ClassVar[str] = "ORG"

    name = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    display_name = UnicodeAttribute(default="")
    # The deletion that removes the organization. The item stays, so that its name is never used again.
    deletion = UnicodeAttribute(null=True)
    max_running_runs = NumberAttribute(null=True)
    max_runners = NumberAttribute(null=True)
    # Projects that are being deleted.
    closed_projects = UnicodeSetAttribute(null=True)

    @classmethod
    def of(cls, organization: Organization) -> "OrganizationItem":
        return cls(
            organization_key(organization.name),
            cls.SK,
            name=organization.name,
            created_at=organization.created_at,
            display_name=organization.display_name,
        )

    def organization(self) -> Organization:
        return Organization(self.name, self.created_at, self.display_name, self.deletion)

    def quotas(self) -> Quotas:
        runners = None if self.max_runners is None else int(self.max_runners)
        closed = frozenset(self.closed_projects or ())
        return Quotas(int(self.max_running_runs or DEFAULT_RUNNING_RUNS), runners, closed)


class OrganizationNameItem(AccessTable):
    """The name of an organization, under one key for all: the list of organizations."""

    PK: ClassVar[str] = "ORGANIZATIONS"


class ProjectItem(AccessTable):
    PREFIX: ClassVar[str] = "PROJECT#"

    organization = UnicodeAttribute()
    name = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    deletion = UnicodeAttribute(null=True)
    # Legal holds on it or on runs of it.
    holds = UnicodeSetAttribute(null=True)

    @classmethod
    def of(cls, project: Project) -> "ProjectItem":
        return cls(
            organization_key(project.organization),
            cls.PREFIX + project.name,
            organization=project.organization,
            name=project.name,
            created_at=project.created_at,
        )

    def project(self) -> Project:
        return Project(self.organization, self.name, self.created_at, self.deletion)


class PoolItem(AccessTable):
    PREFIX: ClassVar[str] = "POOL#"

    organization = UnicodeAttribute()
    name = UnicodeAttribute()
    provider = UnicodeAttribute()
    boot_deadline = NumberAttribute()
    architectures: JSONAttribute = JSONAttribute()
    projects: JSONAttribute = JSONAttribute()
    settings: JSONAttribute = JSONAttribute()
    max_runners = NumberAttribute(null=True)
    largest: JSONAttribute = JSONAttribute(null=True)
    price: JSONAttribute = JSONAttribute(null=True)
    policy: JSONAttribute = JSONAttribute(null=True)

    @classmethod
    def of(cls, pool: Pool) -> "PoolItem":
        return cls(
            organization_key(pool.organization),
            cls.PREFIX + pool.name,
            organization=pool.organization,
            name=pool.name,
            provider=pool.provider,
            boot_deadline=pool.boot_deadline,
            architectures=list(pool.architectures),
            projects=list(pool.projects),
            settings=dict(pool.settings),
            max_runners=pool.max_runners,
            largest=asdict(pool.largest),
            price=asdict(pool.price) if pool.price else None,
            policy=None if pool.policy == Policy() else asdict(pool.policy),
        )

    def pool(self) -> Pool:
        return Pool(
            organization=self.organization,
            name=self.name,
            provider=self.provider,
            boot_deadline=int(self.boot_deadline),
            architectures=tuple(self.architectures),
            projects=tuple(self.projects),
            settings=self.settings,
            max_runners=None if self.max_runners is None else int(self.max_runners),
            largest=LargestRunner(**(self.largest or {})),
            price=Price(**self.price) if self.price else None,
            policy=_policy(self.policy) if self.policy else Policy(),
        )


def _policy(stored: Mapping[str, Any]) -> Policy:
    return Policy(
        **{
            **stored,
            "offers": tuple(InstanceOffer(**offer) for offer in stored["offers"]),
            "labels": tuple(stored["labels"]),
            "warm": tuple(WarmWindow(**{**window, "days": tuple(window["days"])}) for window in stored["warm"]),
            "budget": Budget(**stored["budget"]) if stored["budget"] else None,
            "values": ValuePolicy.from_json(stored["values"]) if "values" in stored else ValuePolicy(),
        }
    )


class SweptPoolItem(AccessTable):
    """All pools whose machines have to be swept, under one key: the sweeper's list."""

    PK: ClassVar[str] = "SWEPT"

    provider = UnicodeAttribute()

    @classmethod
    def key(cls, organization: str, pool: str) -> tuple[str, str]:
        return cls.PK, f"{organization}#{pool}"


class PoolCredentialsItem(AccessTable):
    PREFIX: ClassVar[str] = "POOLCREDENTIALS#"

    provider = UnicodeAttribute()
    names: JSONAttribute = JSONAttribute()
    updated_at = UTCDateTimeAttribute()
    parts: JSONAttribute = JSONAttribute()  # ciphertexts, base64

    @classmethod
    def key(cls, pool: Pool) -> tuple[str, str]:
        return organization_key(pool.organization), cls.PREFIX + pool.name


class TokenItem(AccessTable):
    """Stored twice in one transaction: under its own id, and in its organization's list; an engine's by its id only."""

    SK: ClassVar[str] = "TOKEN"
    PREFIX: ClassVar[str] = "TOKEN#"
    ENGINE_PREFIX: ClassVar[str] = "ENGINETOKEN#"

    token_id = UnicodeAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    name = UnicodeAttribute()
    secret_sha256 = UnicodeAttribute()
    permissions = UnicodeSetAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    valid_until = UTCDateTimeAttribute(null=True)
    run = UnicodeAttribute(null=True)
    subject = UnicodeAttribute(null=True)
    made_with = UnicodeAttribute(null=True)

    @classmethod
    def key(cls, token_id: str) -> tuple[str, str]:
        return (cls.ENGINE_PREFIX if is_engine_token(token_id) else cls.PREFIX) + token_id, cls.SK

    @classmethod
    def pair(cls, token: ApiToken) -> tuple["TokenItem", "TokenItem"]:
        values: dict[str, Any] = {
            "token_id": token.token_id,
            "organization": token.organization,
            "project": token.project,
            "name": token.name,
            "secret_sha256": token.secret_sha256,
            "permissions": set(token.permissions),
            "created_at": token.created_at,
            "created_by": token.created_by,
            "valid_until": token.expires_at,
            "run": token.run,
            "subject": token.subject,
            "made_with": token.made_with,
            "expires_at": token.expires_at,
        }
        return (
            cls(*cls.key(token.token_id), **values),
            cls(organization_key(token.organization), cls.PREFIX + token.token_id, **values),
        )

    def token(self) -> ApiToken:
        token = ApiToken(
            token_id=self.token_id,
            organization=self.organization,
            project=self.project,
            name=self.name,
            secret_sha256=self.secret_sha256,
            permissions=frozenset(self.permissions),
            created_at=self.created_at,
            created_by=self.created_by,
            expires_at=self.valid_until,
            run=self.run,
            subject=self.subject,
            made_with=self.made_with,
        )
        return limited_to_engine(token) if self.pk.startswith(self.ENGINE_PREFIX) else token


class GitHostItem(AccessTable):
    """Stored twice in one transaction, like a token; only the one under its own id holds the secrets."""

    SK: ClassVar[str] = "GITHOST"
    PREFIX: ClassVar[str] = "GITHOST#"

    githost_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    name = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    url = UnicodeAttribute(null=True)
    programs = BooleanAttribute(default=False)
    encrypted_secret = BinaryAttribute(null=True, legacy_encoding=False)
    encrypted_token = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def pair(
        cls, githost: GitHost, encrypted_secret: bytes, encrypted_token: bytes | None
    ) -> tuple["GitHostItem", "GitHostItem"]:
        values: dict[str, Any] = {
            "githost_id": githost.githost_id,
            "kind": str(githost.kind),
            "organization": githost.organization,
            "project": githost.project,
            "name": githost.name,
            "created_at": githost.created_at,
            "url": githost.url,
            "programs": githost.programs,
        }
        secrets: dict[str, Any] = {"encrypted_secret": encrypted_secret, "encrypted_token": encrypted_token}
        return (
            cls(cls.PREFIX + githost.githost_id, cls.SK, **secrets, **values),
            cls(organization_key(githost.organization), cls.PREFIX + githost.githost_id, **values),
        )

    def githost(self) -> GitHost:
        return GitHost(
            githost_id=self.githost_id,
            kind=webhook_kind(self.kind),
            organization=self.organization,
            project=self.project,
            name=self.name,
            created_at=self.created_at,
            url=self.url,
            programs=self.programs,
        )


class SeenItem(AccessTable):
    """A delivery (`DELIVERY#…`) or a keyed request (`REQUEST#…`) that was seen before."""

    first_seen = UTCDateTimeAttribute()
    fingerprint = UnicodeAttribute()
    done = BooleanAttribute(default=False)


class KeyItem(AccessTable):
    """A random key that every process shares, encrypted."""

    SK: ClassVar[str] = "KEY"

    encrypted = BinaryAttribute(legacy_encoding=False)


ITEMS: tuple[type[AccessTable], ...] = (
    AccessTable,
    OrganizationItem,
    OrganizationNameItem,
    ProjectItem,
    PoolItem,
    SweptPoolItem,
    PoolCredentialsItem,
    TokenItem,
    GitHostItem,
    SeenItem,
    KeyItem,
)
