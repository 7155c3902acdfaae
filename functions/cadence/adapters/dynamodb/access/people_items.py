"""Items of people in the `access` table. Keys are in docs/architecture/storage.md."""

import json
import zlib
from typing import ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.expressions.condition import Condition

from cadence.adapters.dynamodb.access.access_items import AccessTable, TokenItem, organization_key
from cadence.adapters.dynamodb.access.policy_json import grant_json, grant_of
from cadence.application.access.people_ports import Holder
from cadence.domain.access.people import (
    AccessPolicy,
    FormerMember,
    Invitation,
    Member,
    ServiceAccount,
    Subject,
    SubjectKind,
    Team,
)
from cadence.domain.access.scopes import Scope
from cadence.domain.shared.errors import TooLarge

_LARGEST_POLICY = 350_000


class MemberItem(AccessTable):
    PREFIX: ClassVar[str] = "MEMBER#"

    name = UnicodeAttribute()
    email = UnicodeAttribute(default="")
    created_at = UTCDateTimeAttribute()
    teams = UnicodeSetAttribute(null=True)
    identity = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, member: Member) -> "MemberItem":
        return cls(
            *member_key(member.organization, member.member_id),
            name=member.name,
            email=member.email,
            created_at=member.created_at,
            teams=set(member.teams) or None,
            identity=member.identity,
        )

    def member(self) -> Member:
        return Member(
            organization=self.pk.removeprefix(organization_key("")),
            member_id=self.sk.removeprefix(self.PREFIX),
            name=self.name,
            email=self.email,
            created_at=self.created_at,
            teams=frozenset(self.teams or ()),
            identity=self.identity,
        )


class FormerMemberItem(AccessTable):
    """A member that was removed; it expires with the last entry of the audit log that can refer to it."""

    PREFIX: ClassVar[str] = "FORMERMEMBER#"

    name = UnicodeAttribute()
    email = UnicodeAttribute(default="")

    def former(self) -> FormerMember:
        return FormerMember(member_id=self.sk.removeprefix(self.PREFIX), name=self.name, email=self.email)


class PersonItem(AccessTable):
    """The name of a member or former member; the items are those of MemberItem and FormerMemberItem."""

    name = UnicodeAttribute()


class TeamItem(AccessTable):
    PREFIX: ClassVar[str] = "TEAM#"

    created_at = UTCDateTimeAttribute()
    description = UnicodeAttribute(default="")
    group = UnicodeAttribute(null=True)
    group_source = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, team: Team) -> "TeamItem":
        return cls(
            organization_key(team.organization),
            cls.PREFIX + team.name,
            created_at=team.created_at,
            description=team.description,
            group=team.group,
            group_source=team.group_source,
        )

    def team(self) -> Team:
        return Team(
            organization=self.pk.removeprefix(organization_key("")),
            name=self.sk.removeprefix(self.PREFIX),
            created_at=self.created_at,
            description=self.description,
            group=self.group,
            group_source=self.group_source,
        )


class ServiceAccountItem(AccessTable):
    PREFIX: ClassVar[str] = "SERVICEACCOUNT#"

    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    description = UnicodeAttribute(default="")

    @classmethod
    def of(cls, account: ServiceAccount) -> "ServiceAccountItem":
        return cls(
            organization_key(account.organization),
            cls.PREFIX + account.name,
            created_at=account.created_at,
            created_by=account.created_by,
            description=account.description,
        )

    def account(self) -> ServiceAccount:
        return ServiceAccount(
            organization=self.pk.removeprefix(organization_key("")),
            name=self.sk.removeprefix(self.PREFIX),
            created_at=self.created_at,
            created_by=self.created_by,
            description=self.description,
        )


class InvitationItem(AccessTable):
    PREFIX: ClassVar[str] = "INVITATION#"

    secret_sha256 = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    valid_until = UTCDateTimeAttribute()
    email = UnicodeAttribute(null=True)
    team = UnicodeAttribute(null=True)
    teams = UnicodeSetAttribute(null=True)
    role = UnicodeAttribute(null=True)
    scope = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationItem":
        return cls(
            organization_key(invitation.organization),
            cls.PREFIX + invitation.invitation_id,
            secret_sha256=invitation.secret_sha256,
            created_at=invitation.created_at,
            created_by=invitation.created_by,
            valid_until=invitation.expires_at,
            email=invitation.email,
            team=invitation.team,
            teams=set(invitation.teams) or None,
            role=invitation.role,
            scope=None if invitation.scope is None else str(invitation.scope),
            expires_at=invitation.expires_at,
        )

    def invitation(self) -> Invitation:
        return Invitation(
            organization=self.pk.removeprefix(organization_key("")),
            invitation_id=self.sk.removeprefix(self.PREFIX),
            secret_sha256=self.secret_sha256,
            created_at=self.created_at,
            created_by=self.created_by,
            expires_at=self.valid_until,
            email=self.email,
            team=self.team,
            teams=frozenset(self.teams or ()),
            role=self.role,
            scope=None if self.scope is None else Scope.parse(self.scope),
        )


class PolicyItem(AccessTable):
    """All grants and own roles of an organization, compressed: one read gives the rights of everyone in it."""

    SK: ClassVar[str] = "POLICY"

    version = NumberAttribute()
    content = BinaryAttribute(legacy_encoding=False)

    @classmethod
    def of(cls, policy: AccessPolicy) -> "PolicyItem":
        """Raises TooLarge."""
        content = {
            "roles": {name: sorted(permissions) for name, permissions in sorted(policy.roles.items())},
            "grants": [grant_json(grant) for grant in policy.grants],
        }
        compressed = zlib.compress(json.dumps(content, separators=(",", ":")).encode())
        if len(compressed) > _LARGEST_POLICY:
            message = "The organization has too many grants. Grant roles to teams instead of to single members."
            raise TooLarge(message, limit=_LARGEST_POLICY)
        key = organization_key(policy.organization)
        return cls(key, cls.SK, version=policy.version, content=compressed)

    @classmethod
    def precedes(cls, policy: AccessPolicy) -> Condition:
        """Returns the condition that the stored policy is the one before."""
        before = policy.version - 1
        return cls.version == before if before else cls.pk.does_not_exist()


def read_policy(organization: str, version: int, content: bytes) -> AccessPolicy:
    stored = json.loads(zlib.decompress(content))
    return AccessPolicy(
        organization,
        version,
        {name: frozenset(permissions) for name, permissions in stored["roles"].items()},
        tuple(map(grant_of, stored["grants"])),
    )


class PrincipalItem(TokenItem):
    """A token, its holder, an organization or a policy: what is read together to know a principal."""

    teams = UnicodeSetAttribute(null=True)
    version = NumberAttribute(null=True)
    content = BinaryAttribute(null=True, legacy_encoding=False)
    # The deletion that removes an organization.
    deletion = UnicodeAttribute(null=True)

    def holder(self, organization: str, subject: Subject) -> Holder:
        return Holder(
            organization=organization,
            subject=subject,
            name=self.name or subject.name,
            created_at=self.created_at,
            teams=frozenset(self.teams or ()),
        )


def member_key(organization: str, member_id: str) -> tuple[str, str]:
    return organization_key(organization), MemberItem.PREFIX + member_id


def holder_key(organization: str, subject: Subject) -> tuple[str, str]:
    prefix = MemberItem.PREFIX if subject.kind is SubjectKind.MEMBER else ServiceAccountItem.PREFIX
    return organization_key(organization), prefix + subject.name


PEOPLE_ITEMS: tuple[type[AccessTable], ...] = (
    AccessTable,
    MemberItem,
    FormerMemberItem,
    PersonItem,
    TeamItem,
    ServiceAccountItem,
    InvitationItem,
    PolicyItem,
    PrincipalItem,
)
