"""Ports over members, teams, service accounts, invitations and the access policy of organizations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.domain.access.people import AccessPolicy, FormerMember, Invitation, Member, ServiceAccount, Subject, Team


class PeopleStore(Protocol):
    """Members, teams, service accounts and invitations."""

    def put_member(self, member: Member) -> None:
        """Creates or replaces a member."""

    def get_member(self, organization: str, member_id: str) -> Member:
        """Returns a member. Raises NotFound."""

    def list_members(self, organization: str) -> Sequence[Member]:
        """Returns the members of the organization, the oldest first."""

    def delete_member(self, organization: str, member_id: str) -> None:
        """Deletes a member. Deleting an absent one is no error."""

    def keep_former(self, member: Member, at: datetime) -> None:
        """Keeps name and address of a member that is removed, as long as entries of the audit log refer to it."""

    def list_former(self, organization: str) -> Sequence[FormerMember]:
        """Returns the former members of the organization."""

    def forget_former(self, organization: str, member_id: str) -> None:
        """Deletes what is kept of a former member. Deleting an absent one is no error."""

    def rename_member(self, organization: str, member_id: str, name: str, email: str) -> None:
        """Changes what a member is shown with. Raises NotFound if there is no such member."""

    def set_membership(self, organization: str, member_id: str, team: str, *, belongs: bool) -> None:
        """Adds a member to a team or removes it from there. Raises NotFound if there is no such member."""

    def bind_identity(self, organization: str, member_id: str, identity: str) -> None:
        """Notes the identity of a member that has none. Raises Conflict if it has one, or is gone."""

    def put_team(self, team: Team) -> None:
        """Creates or replaces a team."""

    def get_team(self, organization: str, name: str) -> Team:
        """Returns a team. Raises NotFound."""

    def list_teams(self, organization: str) -> Sequence[Team]:
        """Returns the teams of the organization, by name."""

    def delete_team(self, organization: str, name: str) -> None:
        """Deletes a team. Deleting an absent one is no error."""

    def put_service_account(self, account: ServiceAccount) -> None:
        """Creates or replaces a service account."""

    def get_service_account(self, organization: str, name: str) -> ServiceAccount:
        """Returns a service account. Raises NotFound."""

    def list_service_accounts(self, organization: str) -> Sequence[ServiceAccount]:
        """Returns the service accounts of the organization, by name."""

    def delete_service_account(self, organization: str, name: str) -> None:
        """Deletes a service account. Deleting an absent one is no error."""

    def add_invitation(self, invitation: Invitation) -> None:
        """Stores an invitation. Raises Conflict if the id is taken."""

    def get_invitation(self, organization: str, invitation_id: str) -> Invitation:
        """Returns an invitation. Raises NotFound."""

    def list_invitations(self, organization: str) -> Sequence[Invitation]:
        """Returns the open invitations of the organization, the oldest first."""

    def take_invitation(self, organization: str, invitation_id: str) -> None:
        """Deletes an invitation. Raises NotFound if it is gone: exactly one caller can take it."""


class PolicyStore(Protocol):
    """The access policy of each organization."""

    def get_policy(self, organization: str) -> AccessPolicy:
        """Returns the policy, an empty one of version 0 if there is none."""

    def put_policy(self, policy: AccessPolicy) -> None:
        """Stores a policy whose version is one more than the stored one. Raises Conflict otherwise, TooLarge."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A member or service account that a token acts for."""

    organization: str
    subject: Subject
    name: str
    created_at: datetime
    teams: frozenset[str] = frozenset()


class SubjectEnding(Protocol):
    """Ends what a removed member or service account left behind, such as its sessions.

    Authentication refuses a removed subject by itself; this removes what is stored.
    """

    def end_all(self, organization: str, subject: Subject) -> None:
        """Ends everything of the subject. Safe to repeat."""
