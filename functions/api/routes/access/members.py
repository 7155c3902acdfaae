"""Members and teams."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.shapes import Name
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.people import GROUP_SOURCE_PATTERN, Member, Team
from cadence.domain.access.secret_owner import team_owner

endpoints = Endpoints("people")

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")]
Description = Annotated[str, StringConstraints(max_length=500)]


class MemberView(Model):
    member_id: str = Field(description="What grants, tokens and records refer to: `member:ID`.")
    name: str
    email: str
    teams: list[str]
    identity: str | None = Field(description="Issuer and subject at the identity provider, after the first sign-in.")
    created_at: datetime


class MemberList(Model):
    items: list[MemberView]
    next: str | None = None


class MemberBody(Body):
    """`teams` may hold no more than the caller does."""

    name: PersonName
    email: Email
    teams: list[Name] = Field(default_factory=list, max_length=100)


class TeamView(Model):
    name: str
    description: str
    group: str | None = Field(description="The group whose members belong to the team.")
    group_source: str | None = Field(
        description="Whose group it is: `identity-provider:NAME`, `directory:NAME` or `scim`; null for anyone's."
    )
    created_at: datetime


class TeamDetailView(TeamView):
    members: list[MemberView]


class TeamList(Model):
    items: list[TeamView]
    next: str | None = None


class TeamBody(Body):
    description: Description = ""
    group: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    group_source: Annotated[str, StringConstraints(pattern=GROUP_SOURCE_PATTERN)] | None = None


@endpoints.add("GET", "/v1/members", Permission.MEMBERS_READ, answers={200: MemberList}, at="organization")
def list_members(call: Call, services: Services) -> MemberList:
    """Lists the members of the organization."""
    organization = organization_of(call.by, "list members")
    return MemberList(items=[member_view(member) for member in services.people.store.list_members(organization)])


@endpoints.add(
    "POST",
    "/v1/members",
    Permission.MEMBERS_WRITE,
    answers={201: MemberView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def add_member(call: Call, services: Services, body: MemberBody) -> MemberView:
    """Adds a member, who can sign in through the identity provider; an invitation gives a way in without one."""
    organization_of(call.by, "add members")
    return member_view(services.people.manage.add_member(call.by, body.name, body.email, frozenset(body.teams)))


@endpoints.add(
    "GET", "/v1/members/{member}", Permission.MEMBERS_READ, answers={200: MemberView}, errors=(404,), at="organization"
)
def show_member(call: Call, services: Services, member: str) -> MemberView:
    """Shows a member."""
    return member_view(services.people.store.get_member(organization_of(call.by, "see members"), member))


@endpoints.add(
    "DELETE",
    "/v1/members/{member}",
    Permission.MEMBERS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def remove_member(call: Call, services: Services, member: str) -> Reply:
    """Removes a member. Tokens, approval links, invitations and live connections of the member end with it."""
    services.people.manage.remove_member(organization_of(call.by, "remove members"), member)
    return Reply(None)


@endpoints.add("GET", "/v1/teams", Permission.TEAMS_READ, answers={200: TeamList}, at="organization")
def list_teams(call: Call, services: Services) -> TeamList:
    """Lists the teams of the organization."""
    organization = organization_of(call.by, "list teams")
    return TeamList(items=[_team_view(team) for team in services.people.store.list_teams(organization)])


@endpoints.add(
    "GET", "/v1/teams/{team}", Permission.TEAMS_READ, answers={200: TeamDetailView}, errors=(404,), at="organization"
)
def show_team(call: Call, services: Services, team: str) -> TeamDetailView:
    """Shows a team with its members."""
    organization = organization_of(call.by, "see teams")
    stored = services.people.store.get_team(organization, team)
    members = [one for one in services.people.store.list_members(organization) if team in one.teams]
    return TeamDetailView(**_team_view(stored).model_dump(), members=[member_view(member) for member in members])


@endpoints.add(
    "PUT",
    "/v1/teams/{team}",
    Permission.TEAMS_WRITE,
    answers={200: TeamView, 201: TeamView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def put_team(call: Call, services: Services, team: str, body: TeamBody) -> Reply:
    """Creates or changes a team."""
    organization_of(call.by, "change teams")
    check_name("team", team)
    stored, new = services.people.manage.put_team(call.by, team, body.description, body.group, body.group_source)
    if stored.group is not None:
        services.people.scim_groups.carry_over(call.by.organization, {stored.group})
    return Reply(_team_view(stored), 201 if new else 200)


@endpoints.add(
    "DELETE",
    "/v1/teams/{team}",
    Permission.TEAMS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def delete_team(call: Call, services: Services, team: str) -> Reply:
    """Deletes a team with its grants and secrets. Its members stay members of the organization."""
    organization = organization_of(call.by, "delete teams")
    # First: a later team of the same name must find no secret of this one.
    services.shared_secrets.remove_all(organization, team_owner(team))
    services.people.manage.remove_team(organization, team)
    return Reply(None)


@endpoints.add(
    "PUT",
    "/v1/teams/{team}/members/{member}",
    Permission.TEAMS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def join_team(call: Call, services: Services, team: str, member: str) -> Reply:
    """Adds a member to a team. Needs everything that is granted to the team."""
    organization_of(call.by, "change teams")
    services.people.manage.join_team(call.by, team, member)
    return Reply(None)


@endpoints.add(
    "DELETE",
    "/v1/teams/{team}/members/{member}",
    Permission.TEAMS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def leave_team(call: Call, services: Services, team: str, member: str) -> Reply:
    """Removes a member from a team."""
    services.people.manage.leave_team(organization_of(call.by, "change teams"), team, member)
    return Reply(None)


def member_view(member: Member) -> MemberView:
    return MemberView(
        member_id=member.member_id,
        name=member.name,
        email=member.email,
        teams=sorted(member.teams),
        identity=member.identity,
        created_at=member.created_at,
    )


def _team_view(team: Team) -> TeamView:
    return TeamView(
        name=team.name,
        description=team.description,
        group=team.group,
        group_source=team.group_source,
        created_at=team.created_at,
    )
