"""Invites people, and teams of other organizations. An invitation is accepted once."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.people_ports import PeopleStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Principal, secret_hash
from cadence.domain.access.people import Grant, Invitation, Member, Subject, SubjectKind
from cadence.domain.access.scopes import Scope
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, Violation

_CODE = re.compile(r"cadi_([a-z][a-z0-9_-]{0,62})\.([0-9a-z]{26})\.([A-Za-z0-9_-]{43})")
_REFUSED = "The invitation is unknown, used or expired. Ask for a new one."
FIRST_TOKEN_LIVES = timedelta(days=30)


def invitation_of(code: str) -> str:
    """Returns the id of the invitation that a code names, or the text itself if it is no code."""
    match = _CODE.fullmatch(code)
    return match.group(2) if match else code


@dataclass(frozen=True, kw_only=True)
class Invitations:
    """Makes and accepts invitations."""

    people: PeopleStore
    roles: ManageRoles
    manage: ManagePeople
    clock: Clock

    def invite(
        self,
        by: Principal,
        *,
        email: str | None,
        team: str | None,
        teams: frozenset[str],
        role: str | None,
        scope: Scope | None,
        lifetime: timedelta,
    ) -> tuple[Invitation, str]:
        """Returns a new invitation and its code, which is handed out once.

        Raises InvalidRequest unless exactly one of `email` and `team` is given, a role comes with its scope, and a team
        of another organization gets a role and nothing else; NotFound, Forbidden as granting does.
        """
        self._check(by, email, team, teams, role, scope)
        if role is not None and scope is not None:
            self.roles.check_grantable(by, role, scope)
        for name in sorted(teams):
            self.roles.check_team(by, name)
        now, secret = self.clock(), secrets.token_urlsafe(32)
        invitation = Invitation(
            organization=by.organization,
            invitation_id=new_ulid(now),
            secret_sha256=secret_hash(secret),
            created_at=now,
            created_by=by.actor_id,
            expires_at=now + lifetime,
            email=email,
            team=team,
            teams=teams,
            role=role,
            scope=scope,
        )
        self.people.add_invitation(invitation)
        return invitation, f"cadi_{by.organization}.{invitation.invitation_id}.{secret}"

    def accept(self, code: str, name: str) -> tuple[Member, ApiToken, str]:
        """Makes the holder of a person's invitation a member; returns the member and a first token with its text.

        Raises NotFound, with the same message whatever is wrong with the code.
        """
        invitation = self.open(code)
        if invitation.email is None:
            raise NotFound("This invitation is for a team: accept it with a token of the team's organization.")
        # Taken first: exactly one caller passes, and a crash afterwards costs a new invitation, never a second member.
        self._take(invitation)
        now = self.clock()
        # A later team of a name is not the one that the invitation was to.
        invited_to = {
            team.name
            for team in self.people.list_teams(invitation.organization)
            if team.name in invitation.teams and team.created_at <= invitation.created_at
        }
        member = Member(
            organization=invitation.organization,
            member_id=new_ulid(now),
            name=name,
            email=invitation.email,
            created_at=now,
            teams=frozenset(invited_to),
        )
        self.people.put_member(member)
        self._grant(invitation, member.subject)
        token, text = self.manage.issue(
            member.organization, member.subject, "first token", member.name, FIRST_TOKEN_LIVES
        )
        return member, token, text

    def accept_for_team(self, by: Principal, code: str) -> Invitation:
        """Accepts an invitation of a team of the caller's organization.

        Raises NotFound, with the same message whatever is wrong with the code or if it is for another organization.
        """
        invitation = self.open(code)
        organization, _, team = (invitation.team or "").partition("/")
        if organization != by.organization:
            raise NotFound(_REFUSED)
        if not by.whole_organization:
            raise Forbidden("Only an account or token for the whole organization can accept an invitation of a team.")
        self.people.get_team(organization, team)
        self._take(invitation)
        self._grant(invitation, Subject(SubjectKind.TEAM, team, organization))
        return invitation

    def _check(
        self,
        by: Principal,
        email: str | None,
        team: str | None,
        teams: frozenset[str],
        role: str | None,
        scope: Scope | None,
    ) -> None:
        problem = None
        if (email is None) == (team is None):
            problem = "Give either the email of a person, or a team of another organization."
        elif (role is None) != (scope is None):
            problem = "A role and its scope are given together."
        elif team is not None and (role is None or teams):
            problem = "A team of another organization gets a role at a scope, and joins no teams."
        elif team is not None and team.startswith(f"{by.organization}/"):
            problem = "The team belongs to this organization: grant it a role."
        if problem:
            raise InvalidRequest(problem, [Violation("", problem, "bad_invitation")])
        if email is not None and not by.whole_organization:
            raise Forbidden("Only an account or token for the whole organization can invite people.")

    def open(self, code: str) -> Invitation:
        """Returns the open invitation of a code. Raises NotFound, with the same message whatever is wrong with it."""
        match = _CODE.fullmatch(code)
        if match is None:
            raise NotFound(_REFUSED)
        organization, invitation_id, secret = match.groups()
        try:
            invitation = self.people.get_invitation(organization, invitation_id)
        except NotFound:
            raise NotFound(_REFUSED) from None
        right = hmac.compare_digest(invitation.secret_sha256, secret_hash(secret))
        if not right or self.clock() >= invitation.expires_at:
            raise NotFound(_REFUSED)
        return invitation

    def _take(self, invitation: Invitation) -> None:
        try:
            self.people.take_invitation(invitation.organization, invitation.invitation_id)
        except NotFound:
            raise NotFound(_REFUSED) from None

    def _grant(self, invitation: Invitation, subject: Subject) -> None:
        if invitation.role is None or invitation.scope is None:
            return
        maker = Principal(
            token_id=invitation.created_by,
            name=invitation.created_by,
            organization=invitation.organization,
            project=ALL_PROJECTS,
            permissions=frozenset({ALL_PERMISSIONS}),
        )
        grant: Grant = self.roles.made(maker, subject, invitation.role, invitation.scope)
        self.roles.add(invitation.organization, grant)
