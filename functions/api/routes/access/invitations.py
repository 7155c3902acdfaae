"""Invitations of people and of other organizations' teams."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import PUBLIC, Body, Call, Endpoints, Model, Reply
from api.routes.access.grants import ScopeText
from api.routes.access.members import Email, MemberView, PersonName, member_view
from api.shapes import Name
from cadence.application.access.invitations import invitation_of
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS, Permission
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.people import Invitation
from cadence.domain.access.scopes import ORGANIZATION, Scope
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("people")

_WEEK = 604_800
_FOREIGN_TEAM = r"^[a-z][a-z0-9_-]{0,62}/[a-z][a-z0-9_-]{0,62}$"
Code = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class InvitationView(Model):
    invitation_id: str
    email: str | None
    team: str | None
    teams: list[str]
    role: str | None
    scope: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime


class InvitationWithSecretView(InvitationView):
    code: str = Field(description="Accepts the invitation, once. It cannot be read again.")


class InvitationList(Model):
    items: list[InvitationView]
    next: str | None = None


class InvitationBody(Body):
    """Either `email`: a person, who becomes a member; or `team` (`ORGANIZATION/NAME`): a team of another organization,
    which gets `role` at `scope` and nothing else.
    """

    email: Email | None = None
    team: Annotated[str, StringConstraints(pattern=_FOREIGN_TEAM)] | None = None
    teams: list[Name] = Field(default_factory=list, max_length=100, description="Teams that the person joins.")
    role: Name | None = None
    scope: ScopeText | None = None
    expires_in: int = Field(_WEEK, ge=60, le=4 * _WEEK, description="Seconds.")


class AcceptBody(Body):
    code: Code
    name: PersonName


class AcceptForTeamBody(Body):
    code: Code


class AcceptedView(Model):
    organization: str
    member: MemberView
    token: str = Field(description="A token of the new member, for 30 days. It cannot be read again.")


class SharedView(Model):
    organization: str = Field(description="Sent as the header `Cadence-Organization`, it is the one acted in.")
    team: str
    role: str
    scope: str


@endpoints.add("GET", "/v1/invitations", Permission.INVITATIONS_READ, answers={200: InvitationList})
def list_invitations(call: Call, services: Services) -> InvitationList:
    """Lists open invitations, without their codes."""
    now, stored = services.clock(), services.people.store.list_invitations(call.by.organization)
    visible = [one for one in stored if one.expires_at > now and call.by.covers(one.scope or ORGANIZATION)]
    return InvitationList(items=[_view(invitation) for invitation in visible])


@endpoints.add(
    "POST",
    "/v1/invitations",
    Permission.INVITATIONS_WRITE,
    answers={201: InvitationWithSecretView},
    errors=(404, 413, 415, 422),
)
def create_invitation(call: Call, services: Services, body: InvitationBody) -> InvitationWithSecretView:
    """Invites a person or another organization's team. The code is shown in this answer only: hand it over."""
    invitation, code = services.people.invitations.invite(
        call.by,
        email=body.email,
        team=body.team,
        teams=frozenset(body.teams),
        role=body.role,
        scope=None if body.scope is None else Scope.parse(body.scope),
        lifetime=timedelta(seconds=body.expires_in),
    )
    return InvitationWithSecretView(**_view(invitation).model_dump(), code=code)


@endpoints.add(
    "DELETE",
    "/v1/invitations/{invitation}",
    Permission.INVITATIONS_WRITE,
    answers={204: None},
    errors=(404,),
)
def delete_invitation(call: Call, services: Services, invitation: str) -> Reply:
    """Deletes an open invitation: its code is refused from now on."""
    stored = services.people.store.get_invitation(call.by.organization, invitation)
    if not call.by.covers(stored.scope or ORGANIZATION):
        raise NotFound(f"There is no invitation {invitation!r} here.")
    services.people.store.take_invitation(call.by.organization, invitation)
    return Reply(None)


@endpoints.add("POST", "/v1/accept-invitation", PUBLIC, answers={201: AcceptedView}, errors=(404, 413, 415, 422, 429))
def accept_invitation(call: Call, services: Services, body: AcceptBody) -> AcceptedView:
    """Accepts a person's invitation, once: its holder becomes a member, and gets a first token."""
    with services.people.limits.counting("invitation", invitation_of(body.code), call.source):
        invitation = services.people.invitations.open(body.code)
    services.audit.note(
        AuditEntry(
            organization=invitation.organization,
            project=ALL_PROJECTS,
            at=services.clock(),
            kind=AuditKind.CHANGE,
            actor=f"invitation:{invitation.invitation_id}",
            token_id=invitation.invitation_id,
            token_name="",
            action="accept_invitation",
            target="/v1/accept-invitation",
            source=call.source,
        )
    )
    member, _, text = services.people.invitations.accept(body.code, body.name)
    return AcceptedView(organization=member.organization, member=member_view(member), token=text)


@endpoints.add(
    "POST",
    "/v1/accept-invitation/for-team",
    Permission.TEAMS_WRITE,
    answers={200: SharedView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def accept_for_team(call: Call, services: Services, body: AcceptForTeamBody) -> SharedView:
    """Accepts an invitation of a team of the caller's organization, once."""
    accepted = services.people.invitations.accept_for_team(call.by, body.code)
    return SharedView(
        organization=accepted.organization,
        team=accepted.team or "",
        role=accepted.role or "",
        scope=str(accepted.scope),
    )


def _view(invitation: Invitation) -> InvitationView:
    return InvitationView(
        invitation_id=invitation.invitation_id,
        email=invitation.email,
        team=invitation.team,
        teams=sorted(invitation.teams),
        role=invitation.role,
        scope=None if invitation.scope is None else str(invitation.scope),
        created_at=invitation.created_at,
        created_by=invitation.created_by,
        expires_at=invitation.expires_at,
    )
