"""`ScimStore` on the `access` table. Keys are in docs/architecture/storage.md."""

import hashlib
from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import (
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.access.access_queries import write_together
from cadence.adapters.dynamodb.access.people_items import MemberItem, member_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.scim_ports import ScimStore
from cadence.domain.access.people import Member
from cadence.domain.access.scim import ScimEmail, ScimGroup, ScimUser, ScimUserAttributes
from cadence.domain.shared.errors import NotFound


class ScimUserItem(AccessTable):
    PREFIX: ClassVar[str] = "SCIMUSER#"

    user_name = UnicodeAttribute()
    external_id = UnicodeAttribute(null=True)
    display_name = UnicodeAttribute(default="")
    given_name = UnicodeAttribute(default="")
    family_name = UnicodeAttribute(default="")
    formatted = UnicodeAttribute(default="")
    emails: JSONAttribute = JSONAttribute()
    member_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    changed_at = UTCDateTimeAttribute()
    version = NumberAttribute()

    @classmethod
    def of(cls, user: ScimUser) -> "ScimUserItem":
        own = user.attributes
        return cls(
            organization_key(user.organization),
            cls.PREFIX + user.user_id,
            user_name=own.user_name,
            external_id=own.external_id,
            display_name=own.display_name,
            given_name=own.given_name,
            family_name=own.family_name,
            formatted=own.formatted,
            emails=[[email.value, email.kind, email.primary] for email in own.emails],
            member_id=user.member_id,
            created_at=user.created_at,
            changed_at=user.changed_at,
            version=user.version,
        )

    def user(self) -> ScimUser:
        return ScimUser(
            organization=self.pk.removeprefix(organization_key("")),
            user_id=self.sk.removeprefix(self.PREFIX),
            attributes=ScimUserAttributes(
                user_name=self.user_name,
                external_id=self.external_id,
                active=self.member_id is not None,
                display_name=self.display_name,
                given_name=self.given_name,
                family_name=self.family_name,
                formatted=self.formatted,
                emails=tuple(ScimEmail(*email) for email in self.emails),
            ),
            created_at=self.created_at,
            changed_at=self.changed_at,
            member_id=self.member_id,
            version=int(self.version),
        )


class ScimUserNameItem(AccessTable):
    """The claim on a user's name, under its digest, since names may be longer than a key and are compared folded."""

    PREFIX: ClassVar[str] = "SCIMUSERNAME#"

    user_id = UnicodeAttribute()

    @classmethod
    def key(cls, organization: str, user_name: str) -> tuple[str, str]:
        digest = hashlib.sha256(user_name.casefold().encode("utf-8", "surrogatepass")).hexdigest()
        return organization_key(organization), cls.PREFIX + digest


class ScimGroupItem(AccessTable):
    PREFIX: ClassVar[str] = "SCIMGROUP#"

    display_name = UnicodeAttribute()
    external_id = UnicodeAttribute(null=True)
    members = UnicodeSetAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    changed_at = UTCDateTimeAttribute()
    version = NumberAttribute()

    @classmethod
    def of(cls, group: ScimGroup) -> "ScimGroupItem":
        return cls(
            organization_key(group.organization),
            cls.PREFIX + group.group_id,
            display_name=group.display_name,
            external_id=group.external_id,
            members=set(group.members) or None,
            created_at=group.created_at,
            changed_at=group.changed_at,
            version=group.version,
        )

    def group(self) -> ScimGroup:
        return ScimGroup(
            organization=self.pk.removeprefix(organization_key("")),
            group_id=self.sk.removeprefix(self.PREFIX),
            display_name=self.display_name,
            external_id=self.external_id,
            members=frozenset(self.members or ()),
            created_at=self.created_at,
            changed_at=self.changed_at,
            version=int(self.version),
        )


class DynamoScimStore(ScimStore):
    def __init__(self, table_name: str) -> None:
        for item in (AccessTable, MemberItem, ScimUserItem, ScimUserNameItem, ScimGroupItem):
            bind(item, table_name)

    def put_user(self, user: ScimUser, before: ScimUser | None) -> None:
        key = ScimUserNameItem.key(user.organization, user.attributes.user_name)
        known = ScimUserNameItem.key(before.organization, before.attributes.user_name) if before else None
        unchanged = ScimUserItem.version == before.version if before else ScimUserItem.pk.does_not_exist()
        with translated(f"user {user.user_id}"), write_together() as transaction:
            transaction.save(ScimUserItem.of(user), condition=unchanged)
            if before and before.member_id not in (None, user.member_id):
                transaction.delete(_member_of(before))
            if known != key:
                claim = ScimUserNameItem(*key, user_id=user.user_id)
                transaction.save(claim, condition=ScimUserNameItem.pk.does_not_exist())
                if known is not None:
                    transaction.delete(ScimUserNameItem(*known), condition=ScimUserNameItem.user_id == user.user_id)

    def put_member(self, user: ScimUser, member: Member) -> None:
        key = organization_key(user.organization), ScimUserItem.PREFIX + user.user_id
        with translated(f"user {user.user_id}"), write_together() as transaction:
            itself = ScimUserItem.member_id == member.member_id
            transaction.update(ScimUserItem(*key), [ScimUserItem.member_id.set(member.member_id)], condition=itself)
            transaction.save(MemberItem.of(member), condition=MemberItem.pk.does_not_exist())

    def get_user(self, organization: str, user_id: str) -> ScimUser:
        try:
            with translated("user"):
                key = organization_key(organization), ScimUserItem.PREFIX + user_id
                return ScimUserItem.get(*key, consistent_read=True).user()
        except DoesNotExist:
            raise NotFound(f"There is no user {user_id[:70]!r} here.") from None

    def find_user(self, organization: str, user_name: str) -> ScimUser | None:
        try:
            with translated("user"):
                claim = ScimUserNameItem.get(*ScimUserNameItem.key(organization, user_name), consistent_read=True)
            return self.get_user(organization, claim.user_id)
        except (DoesNotExist, NotFound):
            return None

    def list_users(self, organization: str) -> Sequence[ScimUser]:
        with translated("users"):
            found = ScimUserItem.query(
                organization_key(organization), ScimUserItem.sk.startswith(ScimUserItem.PREFIX), consistent_read=True
            )
            return [item.user() for item in found]

    def delete_user(self, user: ScimUser) -> None:
        name = ScimUserNameItem.key(user.organization, user.attributes.user_name)
        with translated(f"user {user.user_id}"), write_together() as transaction:
            transaction.delete(
                ScimUserItem(organization_key(user.organization), ScimUserItem.PREFIX + user.user_id),
                condition=ScimUserItem.version == user.version,
            )
            transaction.delete(ScimUserNameItem(*name))
            if user.member_id is not None:
                transaction.delete(_member_of(user))

    def put_group(self, group: ScimGroup, before: ScimGroup | None) -> None:
        unchanged = ScimGroupItem.version == before.version if before else ScimGroupItem.pk.does_not_exist()
        with translated(f"group {group.group_id}"):
            ScimGroupItem.of(group).save(unchanged)

    def get_group(self, organization: str, group_id: str) -> ScimGroup:
        try:
            with translated("group"):
                key = organization_key(organization), ScimGroupItem.PREFIX + group_id
                return ScimGroupItem.get(*key, consistent_read=True).group()
        except DoesNotExist:
            raise NotFound(f"There is no group {group_id[:70]!r} here.") from None

    def list_groups(self, organization: str) -> Sequence[ScimGroup]:
        with translated("groups"):
            found = ScimGroupItem.query(
                organization_key(organization), ScimGroupItem.sk.startswith(ScimGroupItem.PREFIX), consistent_read=True
            )
            return [item.group() for item in found]

    def delete_group(self, organization: str, group_id: str) -> None:
        with translated(f"group {group_id}"):
            ScimGroupItem(organization_key(organization), ScimGroupItem.PREFIX + group_id).delete()


def _member_of(user: ScimUser) -> MemberItem:
    return MemberItem(*member_key(user.organization, user.member_id or ""))
