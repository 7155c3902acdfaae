"""Members, teams, service accounts, roles, grants and invitations of an organization."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cadence.domain.access.decisions import Right
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import Scope
from cadence.domain.shared.errors import InvalidRequest, Violation

_NAME = r"[a-z][a-z0-9_-]{0,62}"
_ULID = r"[0-9a-hjkmnp-tv-z]{26}"
SUBJECT_PATTERN = rf"^(?:member:{_ULID}|team:(?:{_NAME}/)?{_NAME}|service-account:{_NAME})$"
_SUBJECT = re.compile(SUBJECT_PATTERN)
GROUP_SOURCE_PATTERN = rf"^(?:scim|(?:identity-provider|directory):{_NAME})$"
IDENTITY_PROVIDER_SOURCE = "identity-provider:"
DIRECTORY_SOURCE = "directory:"
SCIM_SOURCE = "scim"


class SubjectKind(StrEnum):
    MEMBER = "member"
    TEAM = "team"
    SERVICE_ACCOUNT = "service-account"


@dataclass(frozen=True)
class Subject:
    """What a role is granted to. `organization` is that of another organization's team, otherwise None.

    Its text is `member:ID`, `team:NAME`, `team:ORGANIZATION/NAME` or `service-account:NAME`.
    """

    kind: SubjectKind
    name: str
    organization: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.organization}/{self.name}" if self.organization else f"{self.kind}:{self.name}"

    @staticmethod
    def matches(text: str) -> bool:
        """Whether a text is that of a subject."""
        return _SUBJECT.fullmatch(text) is not None

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Returns the subject of a text. Raises InvalidRequest."""
        if not cls.matches(text):
            message = (
                f"{text[:200]!r} is no subject. Write member:ID, team:NAME, team:ORGANIZATION/NAME or "
                "service-account:NAME."
            )
            raise InvalidRequest(message, [Violation("subject", message, "bad_subject")])
        kind, _, name = text.partition(":")
        first, slash, second = name.partition("/")
        return cls(SubjectKind(kind), second, first) if slash else cls(SubjectKind(kind), name)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person of an organization. `member_id` is what everything refers to; `name` and `email` are shown only.

    `identity` is the issuer and subject of an identity provider, `ISSUER|SUBJECT`, after the first sign-in.
    """

    organization: str
    member_id: str
    name: str
    email: str
    created_at: datetime
    teams: frozenset[str] = frozenset()
    identity: str | None = None

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.MEMBER, self.member_id)


@dataclass(frozen=True, kw_only=True)
class FormerMember:
    """A member that was removed: the audit log refers to the id, and whoever reads it wants the name."""

    member_id: str
    name: str
    email: str

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.MEMBER, self.member_id)


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team. `group` is the group of an identity provider or directory whose members belong to it.

    `group_source` is what the group is a group of: `identity-provider:NAME`, `directory:NAME` or `scim`. A group of
    the same name elsewhere does not count then; without it, every source does.
    """

    organization: str
    name: str
    created_at: datetime
    description: str = ""
    group: str | None = None
    group_source: str | None = None

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.TEAM, self.name)


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """An account for programs. Its tokens act with its grants."""

    organization: str
    name: str
    created_at: datetime
    created_by: str
    description: str = ""

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.SERVICE_ACCOUNT, self.name)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role for a subject at a scope. Two grants with the same three have the same id."""

    grant_id: str
    subject: Subject
    role: str
    scope: Scope
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class AccessPolicy:
    """All grants and own roles of an organization. `version` counts its changes."""

    organization: str
    version: int = 0
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()

    def permissions(self, role: str) -> frozenset[str]:
        """Returns the permissions of a role, none for one that does not exist."""
        return BUILT_IN_ROLES.get(role) or self.roles.get(role, frozenset())

    def without(self, removed: Callable[[Grant], bool]) -> "AccessPolicy":
        """Returns the policy without some of its grants."""
        return replace(self, grants=tuple(grant for grant in self.grants if not removed(grant)))

    def rights(self, subjects: Iterable[Subject]) -> tuple[Right, ...]:
        """Returns what is granted to any of the subjects."""
        wanted = frozenset(subjects)
        return tuple(self.right(grant) for grant in self.grants if grant.subject in wanted)

    def right(self, grant: Grant) -> Right:
        """Returns what a grant gives."""
        return Right(
            grant_id=grant.grant_id,
            subject=str(grant.subject),
            role=grant.role,
            scope=grant.scope,
            permissions=self.permissions(grant.role),
        )


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invitation of a person (`email`), or of another organization's team (`team`, as `ORGANIZATION/NAME`).

    It is used once. A person joins `teams` and gets `role` at `scope`, if there is a role; a team gets the role.
    """

    organization: str
    invitation_id: str
    secret_sha256: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    email: str | None = None
    team: str | None = None
    teams: frozenset[str] = frozenset()
    role: str | None = None
    scope: Scope | None = None


def holders(subject: Subject, organization: str, teams: Iterable[str], acting_in: str) -> tuple[Subject, ...]:
    """Returns the subjects whose grants hold for a member or service account of `organization`.

    In another organization, only what was granted to its teams as guests counts.
    """
    if acting_in == organization:
        return (subject, *(Subject(SubjectKind.TEAM, team) for team in sorted(teams)))
    return tuple(Subject(SubjectKind.TEAM, team, organization) for team in sorted(teams))
