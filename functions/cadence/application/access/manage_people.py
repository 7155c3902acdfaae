"""Creates and removes members, teams and service accounts."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from cadence.application.access.authenticate import issue_token
from cadence.application.access.create_token import RevokeToken
from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.people_ports import PeopleStore, SubjectEnding
from cadence.application.access.ports import TokenPolicyStore, TokenStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Principal
from cadence.domain.access.people import Member, ServiceAccount, Subject, SubjectKind, Team
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class ManagePeople:
    """Creates and removes members, teams and service accounts.

    `endings` remove what a subject leaves behind, besides its tokens, invitations and grants.
    """

    people: PeopleStore
    roles: ManageRoles
    tokens: TokenStore
    policies: TokenPolicyStore
    clock: Clock
    endings: Sequence[SubjectEnding] = ()

    def add_member(self, by: Principal, name: str, email: str, teams: frozenset[str]) -> Member:
        """Adds a member, who has no way to sign in yet.

        Raises NotFound for an unknown team, Forbidden for a team that holds more than `by`.
        """
        for team in sorted(teams):
            self.roles.check_team(by, team)
        now = self.clock()
        member = Member(
            organization=by.organization,
            member_id=new_ulid(now),
            name=name,
            email=email,
            created_at=now,
            teams=teams,
        )
        self.people.put_member(member)
        return member

    def remove_member(self, organization: str, member_id: str) -> None:
        """Removes a member. Everything of the member is refused as soon as the member's item is gone.

        The name alone is kept, for those who read the audit log.
        Repeating the call removes what an interrupted one has left. Raises NotFound if there was no such member.
        """
        subject = Subject(SubjectKind.MEMBER, member_id)
        missing: NotFound | None = None
        try:
            self.people.keep_former(self.people.get_member(organization, member_id), self.clock())
        except NotFound as error:
            missing = error
        self.people.delete_member(organization, member_id)
        self._end(organization, subject)
        if missing is not None:
            raise missing

    def put_team(
        self, by: Principal, name: str, description: str, group: str | None, group_source: str | None = None
    ) -> tuple[Team, bool]:
        """Creates or changes a team; returns it, and True if it is new.

        Raises Forbidden for another group of a team that holds more than `by`: it decides who the members are.
        """
        organization = by.organization
        try:
            known = self.people.get_team(organization, name)
        except NotFound:
            known = None
        if known is None:
            # What came while an earlier team of the name was removed, or a removal that failed half-way has left.
            self._drop_team(organization, name)
        if known is not None and (known.group, known.group_source) != (group, group_source):
            self.roles.check_outranks(by, known.subject)
        team = Team(
            organization=organization,
            name=name,
            created_at=known.created_at if known else self.clock(),
            description=description,
            group=group,
            group_source=group_source,
        )
        self.people.put_team(team)
        return team, known is None

    def remove_team(self, organization: str, name: str) -> None:
        """Removes a team, its grants and its memberships. Safe to repeat. Raises NotFound."""
        self.people.get_team(organization, name)
        # The team itself comes last: a later team of the same name must find no member and no grant of this one.
        self._drop_team(organization, name)
        self.people.delete_team(organization, name)

    def _drop_team(self, organization: str, name: str) -> None:
        """Ends the grants and memberships of a team."""
        self.roles.remove_subject(organization, Subject(SubjectKind.TEAM, name))
        for member in self.people.list_members(organization):
            if name in member.teams:
                with suppress(NotFound):  # the member was removed meanwhile
                    self.people.set_membership(organization, member.member_id, name, belongs=False)

    def join_team(self, by: Principal, team: str, member_id: str) -> None:
        """Adds a member to a team. Safe to repeat. Raises NotFound, Forbidden if the team holds more than `by`."""
        self.roles.check_team(by, team)
        self.people.set_membership(by.organization, member_id, team, belongs=True)

    def leave_team(self, organization: str, team: str, member_id: str) -> None:
        """Removes a member from a team. Safe to repeat. Raises NotFound."""
        self.people.get_team(organization, team)
        self.people.set_membership(organization, member_id, team, belongs=False)

    def put_service_account(self, by: Principal, name: str, description: str) -> tuple[ServiceAccount, bool]:
        """Creates or changes a service account; returns it, and True if it is new."""
        try:
            known = self.people.get_service_account(by.organization, name)
        except NotFound:
            self.roles.remove_subject(by.organization, Subject(SubjectKind.SERVICE_ACCOUNT, name))
            account = ServiceAccount(
                organization=by.organization,
                name=name,
                created_at=self.clock(),
                created_by=by.actor_id,
                description=description,
            )
            self.people.put_service_account(account)
            return account, True
        account = replace(known, description=description)
        self.people.put_service_account(account)
        return account, False

    def remove_service_account(self, organization: str, name: str) -> None:
        """Removes a service account with its grants and tokens. Safe to repeat. Raises NotFound."""
        self.people.get_service_account(organization, name)
        # The account itself comes last: a later one of the same name must find no token and no grant of this one.
        self._end(organization, Subject(SubjectKind.SERVICE_ACCOUNT, name))
        self.people.delete_service_account(organization, name)

    def create_token(self, by: Principal, account: str, name: str, lifetime: timedelta | None) -> tuple[ApiToken, str]:
        """Returns a new token of a service account, and its text.

        Raises NotFound, Forbidden if the account holds more than `by`.
        """
        subject = self.people.get_service_account(by.organization, account).subject
        self.roles.check_outranks(by, subject)
        return self.issue(by.organization, subject, name, by.author, lifetime)

    def issue(
        self, organization: str, subject: Subject, name: str, created_by: str, lifetime: timedelta | None
    ) -> tuple[ApiToken, str]:
        """Returns a new stored token that acts with all of the subject's grants, and its text.

        It lives no longer than the organization allows, whatever `lifetime` is.
        """
        now = self.clock()
        token, text = issue_token(
            organization,
            ALL_PROJECTS,
            name,
            frozenset({ALL_PERMISSIONS}),
            created_by,
            now,
            self.policies.get_token_policy(organization).end(now, lifetime),
            subject=str(subject),
        )
        self.tokens.add_token(token)
        return token, text

    def _end(self, organization: str, subject: Subject) -> None:
        self.roles.remove_subject(organization, subject)
        # Its own, and those of service accounts that it made and has seen, with all that were made with them.
        revoke = RevokeToken(self.tokens, self.clock)
        for token in self.tokens.list_tokens(organization):
            if str(subject) in (token.subject, token.created_by):
                revoke.revoke(token)
        for invitation in self.people.list_invitations(organization):
            if invitation.created_by == str(subject):
                self._drop_invitation(organization, invitation.invitation_id)
        for ending in self.endings:
            ending.end_all(organization, subject)

    def _drop_invitation(self, organization: str, invitation_id: str) -> None:
        try:
            self.people.take_invitation(organization, invitation_id)
        except NotFound:
            return  # It was accepted or deleted meanwhile.
