"""Organizations, projects and tokens."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import Name, ProjectOrAll
from cadence.application.access.seed import ORGANIZATION as INSTALLATION
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, ApiToken, Permission, Principal, Project
from cadence.domain.access.scopes import project_scope
from cadence.domain.shared.errors import Forbidden, NotFound

endpoints = Endpoints("access")

TEN_YEARS = 315_360_000
DisplayName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", strip_whitespace=True)]
PermissionName = Annotated[
    str, StringConstraints(pattern=f"^({'|'.join(map(re.escape, (*Permission, ALL_PERMISSIONS)))})$")
]


class OrganizationView(Model):
    name: str = Field(description="A part of keys, addresses and identity tokens. It never changes.")
    display_name: str = Field(description="What people see beside the name; empty if none was set.")
    created_at: datetime
    deletion: str | None = Field(description="The id of the deletion that is removing it, if one is.")


class OrganizationWithSecretView(OrganizationView):
    token: str = Field(description="A token for everything in the organization. It cannot be read again.")


class OrganizationBody(Body):
    name: Name
    display_name: DisplayName = ""


class RenameOrganizationBody(Body):
    display_name: DisplayName


class OrganizationList(Model):
    items: list[OrganizationView]
    next: str | None = None


class ProjectView(Model):
    name: str
    created_at: datetime


class ProjectList(Model):
    items: list[ProjectView]
    next: str | None = None


class ProjectBody(Body):
    name: Name


class TokenView(Model):
    token_id: str
    name: str
    project: str = Field(description="A project, or `*` for all of the organization.")
    permissions: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    subject: str | None = Field(description="The member or service account with whose grants the token acts.")
    made_with: str | None = Field(description="The token that it was created with, and ends with.")
    last_used_at: datetime | None = Field(description="When it was last accepted, to the hour; null if it never was.")


class TokenWithSecretView(TokenView):
    token: str = Field(description="What to send as `Authorization: Bearer`. It cannot be read again.")


class TokenList(Model):
    items: list[TokenView]
    next: str | None = None


class TokenBody(Body):
    """`permissions` are names such as `runs:start`, or `*` for all.

    A token grants no permission that it does not have.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    project: ProjectOrAll = ALL_PROJECTS
    permissions: Annotated[list[PermissionName], Field(min_length=1, max_length=100)]
    expires_in: int | None = Field(
        None,
        ge=60,
        le=TEN_YEARS,
        description="Seconds. It ends with the token that it is created with, if that is earlier.",
    )


@endpoints.add("GET", "/v1/organizations", Permission.ORGANIZATIONS_READ, answers={200: OrganizationList})
def list_organizations(call: Call, services: Services) -> OrganizationList:
    """Lists the organization that the token belongs to; all of them for who runs the installation."""
    if manages_installation(call.by):
        found = services.access.list_organizations()
    else:
        found = [services.access.get_organization(call.by.organization)]
    return OrganizationList(items=[OrganizationView.model_validate(organization) for organization in found])


@endpoints.add(
    "POST",
    "/v1/organizations",
    Permission.ORGANIZATIONS_MANAGE,
    answers={201: OrganizationWithSecretView},
    errors=(409, 413, 415, 422),
    at="organization",
)
def create_organization(call: Call, services: Services, body: OrganizationBody) -> OrganizationWithSecretView:
    """Creates an organization, with a token for everything in it that is shown in this answer only.

    Needs a token of the organization that runs the installation.
    """
    require_installation(call.by)
    created, text = services.create_organization.create(call.by, body.name, body.display_name)
    return OrganizationWithSecretView(**OrganizationView.model_validate(created).model_dump(), token=text)


@endpoints.add(
    "PATCH",
    "/v1/organizations/{organization}",
    Permission.ORGANIZATIONS_MANAGE,
    answers={200: OrganizationView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def rename_organization(
    call: Call, services: Services, organization: str, body: RenameOrganizationBody
) -> OrganizationView:
    """Changes what an organization is shown as. Its name, which keys and identity tokens hold, stays.

    Needs a token of the organization that runs the installation.
    """
    require_installation(call.by)
    services.access.rename_organization(organization, body.display_name)
    return OrganizationView.model_validate(services.access.get_organization(organization))


def manages_installation(by: Principal) -> bool:
    """Whether a principal may create, rename and delete organizations."""
    return _acts_for_installation(by) and by.may(Permission.ORGANIZATIONS_MANAGE)


def require_installation(by: Principal) -> None:
    """Raises Forbidden unless the principal acts for all of the organization that runs the installation."""
    if not _acts_for_installation(by):
        raise Forbidden("Only the organization that runs the installation can manage organizations.")


def _acts_for_installation(by: Principal) -> bool:
    return by.organization == INSTALLATION and by.whole_organization


@endpoints.add("GET", "/v1/projects", Permission.PROJECTS_READ, answers={200: ProjectList})
def list_projects(call: Call, services: Services) -> ProjectList:
    """Lists the projects that the token may read."""
    projects = services.access.list_projects(call.by.organization)
    visible = [project for project in projects if call.by.sees_within(project.organization, project.name)]
    return ProjectList(items=[ProjectView(name=project.name, created_at=project.created_at) for project in visible])


@endpoints.add(
    "POST",
    "/v1/projects",
    Permission.PROJECTS_WRITE,
    answers={201: ProjectView},
    errors=(409, 413, 415, 422),
    at="organization",
)
def create_project(call: Call, services: Services, body: ProjectBody) -> ProjectView:
    """Creates a project. Needs a token for all projects."""
    if not call.by.whole_organization:
        raise Forbidden("Only a token for all projects can create one.")
    project = Project(call.by.organization, body.name, services.clock())
    services.access.add_project(project)
    return ProjectView(name=project.name, created_at=project.created_at)


@endpoints.add("GET", "/v1/tokens", Permission.TOKENS_READ, answers={200: TokenList})
def list_tokens(call: Call, services: Services) -> TokenList:
    """Lists the tokens of the projects that the token may read, without their secrets."""
    tokens = services.access.list_tokens(call.by.organization)
    seen = [token for token in tokens if _sees_token(call.by, token)]
    uses = services.token_uses.last_uses(token.token_id for token in seen)
    return TokenList(items=[token_view(token, uses.get(token.token_id)) for token in seen])


@endpoints.add(
    "POST",
    "/v1/tokens",
    Permission.TOKENS_WRITE,
    answers={201: TokenWithSecretView},
    errors=(404, 409, 413, 415, 422),
)
def create_token(call: Call, services: Services, body: TokenBody) -> TokenWithSecretView:
    """Creates a token. Its text is shown in this answer only."""
    lifetime = timedelta(seconds=body.expires_in) if body.expires_in else None
    token, text = services.create_token.create(call.by, body.name, body.project, frozenset(body.permissions), lifetime)
    return TokenWithSecretView(**token_view(token).model_dump(), token=text)


@endpoints.add("DELETE", "/v1/tokens/{token_id}", Permission.TOKENS_WRITE, answers={204: None}, errors=(404,))
def revoke_token(call: Call, services: Services, token_id: str) -> Reply:
    """Revokes a token, and all that were created with it, from now on."""
    token = services.access.get_token(token_id)
    if not _sees_token(call.by, token):
        raise NotFound(f"There is no token {token_id!r}.")
    services.revoke_token.revoke(token)
    return Reply(None)


def _sees_token(by: Principal, token: ApiToken) -> bool:
    """Whether a principal may list or revoke a token: its own, and those that are no more powerful than itself."""
    if token.organization != by.organization:
        return False
    if by.subject is None:
        return by.sees(token.organization, token.project)
    if token.subject is not None:
        return token.subject == by.subject or by.whole_organization
    return by.sees(token.organization, token.project) and by.outranks(token.permissions, project_scope(token.project))


def token_view(token: ApiToken, last_used_at: datetime | None = None) -> TokenView:
    return TokenView(
        token_id=token.token_id,
        name=token.name,
        project=token.project,
        permissions=sorted(token.permissions),
        created_at=token.created_at,
        created_by=token.created_by,
        expires_at=token.expires_at,
        subject=token.subject,
        made_with=token.made_with,
        last_used_at=last_used_at,
    )
