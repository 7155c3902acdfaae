"""`PeopleStore` and `PolicyStore` on the `access` table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.access.access_queries import read_item, read_under
from cadence.adapters.dynamodb.access.people_items import (
    PEOPLE_ITEMS,
    FormerMemberItem,
    InvitationItem,
    MemberItem,
    PersonItem,
    PolicyItem,
    ServiceAccountItem,
    TeamItem,
    member_key,
    read_policy,
)
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.people_ports import PeopleStore, PolicyStore
from cadence.domain.access.audit import KEPT
from cadence.domain.access.people import AccessPolicy, FormerMember, Invitation, Member, ServiceAccount, Team
from cadence.domain.shared.errors import Conflict, NotFound


class DynamoPeopleStore(PeopleStore, PolicyStore):
    def __init__(self, table_name: str) -> None:
        for item in PEOPLE_ITEMS:
            bind(item, table_name)

    # Members

    def put_member(self, member: Member) -> None:
        _save(MemberItem.of(member))

    def get_member(self, organization: str, member_id: str) -> Member:
        return read_item(
            MemberItem, *member_key(organization, member_id), f"There is no member {member_id!r} here."
        ).member()

    def list_members(self, organization: str) -> Sequence[Member]:
        return [item.member() for item in read_under(MemberItem, organization_key(organization), MemberItem.PREFIX)]

    def delete_member(self, organization: str, member_id: str) -> None:
        _delete(MemberItem(*member_key(organization, member_id)))

    def keep_former(self, member: Member, at: datetime) -> None:
        key = organization_key(member.organization), FormerMemberItem.PREFIX + member.member_id
        _save(FormerMemberItem(*key, name=member.name, email=member.email, expires_at=at + KEPT))

    def list_former(self, organization: str) -> Sequence[FormerMember]:
        return [
            item.former()
            for item in read_under(FormerMemberItem, organization_key(organization), FormerMemberItem.PREFIX)
        ]

    def forget_former(self, organization: str, member_id: str) -> None:
        _delete(FormerMemberItem(organization_key(organization), FormerMemberItem.PREFIX + member_id))

    def rename_member(self, organization: str, member_id: str, name: str, email: str) -> None:
        item = MemberItem(*member_key(organization, member_id))
        try:
            with translated(f"member {member_id}"):
                item.update([MemberItem.name.set(name), MemberItem.email.set(email)], condition=MemberItem.pk.exists())
        except Conflict:
            raise NotFound(f"There is no member {member_id!r} here.") from None

    def set_membership(self, organization: str, member_id: str, team: str, *, belongs: bool) -> None:
        item = MemberItem(*member_key(organization, member_id))
        action = MemberItem.teams.add({team}) if belongs else MemberItem.teams.delete({team})
        try:
            with translated(f"member {member_id}"):
                item.update([action], condition=MemberItem.pk.exists())
        except Conflict:
            raise NotFound(f"There is no member {member_id!r} here.") from None

    def bind_identity(self, organization: str, member_id: str, identity: str) -> None:
        unbound = MemberItem.pk.exists() & MemberItem.identity.does_not_exist()
        with translated(f"member {member_id}"):
            item = MemberItem(*member_key(organization, member_id))
            item.update([MemberItem.identity.set(identity)], condition=unbound)

    def names_of(self, organization: str, member_ids: Iterable[str]) -> Mapping[str, str]:
        """The names of members and former members by id, of those that are known; read as one batch."""
        ids = sorted({*member_ids})
        prefixes = (MemberItem.PREFIX, FormerMemberItem.PREFIX)
        keys = [(organization_key(organization), prefix + member_id) for member_id in ids for prefix in prefixes]
        with translated("the names of members"):
            found = {item.sk: item.name for item in PersonItem.batch_get(keys)} if keys else {}
        known = (
            (member_id, found.get(prefixes[0] + member_id, found.get(prefixes[1] + member_id))) for member_id in ids
        )
        return {member_id: name for member_id, name in known if name is not None}

    # Teams

    def put_team(self, team: Team) -> None:
        _save(TeamItem.of(team))

    def get_team(self, organization: str, name: str) -> Team:
        missing = f"There is no team {name!r} here."
        return read_item(TeamItem, organization_key(organization), TeamItem.PREFIX + name, missing).team()

    def list_teams(self, organization: str) -> Sequence[Team]:
        return [item.team() for item in read_under(TeamItem, organization_key(organization), TeamItem.PREFIX)]

    def delete_team(self, organization: str, name: str) -> None:
        _delete(TeamItem(organization_key(organization), TeamItem.PREFIX + name))

    # Service accounts

    def put_service_account(self, account: ServiceAccount) -> None:
        _save(ServiceAccountItem.of(account))

    def get_service_account(self, organization: str, name: str) -> ServiceAccount:
        key = organization_key(organization), ServiceAccountItem.PREFIX + name
        return read_item(ServiceAccountItem, *key, f"There is no service account {name!r} here.").account()

    def list_service_accounts(self, organization: str) -> Sequence[ServiceAccount]:
        return [
            item.account()
            for item in read_under(ServiceAccountItem, organization_key(organization), ServiceAccountItem.PREFIX)
        ]

    def delete_service_account(self, organization: str, name: str) -> None:
        _delete(ServiceAccountItem(organization_key(organization), ServiceAccountItem.PREFIX + name))

    # Invitations

    def add_invitation(self, invitation: Invitation) -> None:
        with translated("invitation"):
            InvitationItem.of(invitation).save(InvitationItem.pk.does_not_exist())

    def get_invitation(self, organization: str, invitation_id: str) -> Invitation:
        key = organization_key(organization), InvitationItem.PREFIX + invitation_id
        return read_item(InvitationItem, *key, f"There is no invitation {invitation_id!r} here.").invitation()

    def list_invitations(self, organization: str) -> Sequence[Invitation]:
        return [
            item.invitation()
            for item in read_under(InvitationItem, organization_key(organization), InvitationItem.PREFIX)
        ]

    def take_invitation(self, organization: str, invitation_id: str) -> None:
        item = InvitationItem(organization_key(organization), InvitationItem.PREFIX + invitation_id)
        try:
            with translated("invitation"):
                item.delete(InvitationItem.pk.exists())
        except Conflict:
            raise NotFound(f"There is no invitation {invitation_id!r} here.") from None

    # The policy

    def get_policy(self, organization: str) -> AccessPolicy:
        try:
            item = read_item(PolicyItem, organization_key(organization), PolicyItem.SK, "")
        except NotFound:
            return AccessPolicy(organization)
        return read_policy(organization, int(item.version), item.content)

    def put_policy(self, policy: AccessPolicy) -> None:
        with translated("the access policy"):
            PolicyItem.of(policy).save(PolicyItem.precedes(policy))


def _save(item: AccessTable) -> None:
    with translated(item.sk):
        item.save()


def _delete(item: AccessTable) -> None:
    with translated(item.sk):
        item.delete()
