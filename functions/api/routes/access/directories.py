"""Directories (LDAP, Active Directory) with which members sign in."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.directory_server import DirectoryKind, DirectoryServer, check_url

endpoints = Endpoints("people")
_WHAT = "see or change directories"

DistinguishedName = Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
LdapFilter = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^(?:\([^\x00-\x1f\x7f]+\))?$")]


class DirectoryBody(Body):
    """An LDAP server, which is asked over TLS only."""

    kind: Literal["ldap", "active-directory"]
    url: Annotated[str, StringConstraints(max_length=300)] = Field(
        description="`ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]`, which is encrypted with StartTLS."
    )
    bind_dn: DistinguishedName = Field(description="The account that reads the directory.")
    bind_password: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    user_base: DistinguishedName = Field(description="Everyone below it who matches the filter may sign in.")
    group_base: DistinguishedName
    user_filter: LdapFilter = Field("", description="In place of the usual one for people.")
    ca: (
        Annotated[str, StringConstraints(max_length=20_000, pattern=r"^-----BEGIN CERTIFICATE-----[^\x00]+$")] | None
    ) = Field(None, description="PEM text of the authorities that sign the server's certificate; null: public ones.")


class DirectoryView(Model):
    """A directory, without the password of its account."""

    name: str
    kind: str
    url: str
    bind_dn: str
    user_base: str
    group_base: str
    user_filter: str
    ca: str | None
    created_at: datetime
    synced_at: datetime | None = Field(description="When its members were last looked up.")
    problem: str = Field(description="Why that has failed since; empty if it has not.")


class DirectoryList(Model):
    items: list[DirectoryView]
    next: str | None = None


@endpoints.add("GET", "/v1/directories", Permission.MEMBERS_READ, answers={200: DirectoryList}, at="organization")
def list_directories(call: Call, services: Services) -> DirectoryList:
    """Lists the directories of the organization."""
    stored = services.people.directories.list_directories(organization_of(call.by, _WHAT))
    return DirectoryList(items=[_view(server) for server in stored])


@endpoints.add(
    "PUT",
    "/v1/directories/{directory}",
    Permission.MEMBERS_WRITE,
    answers={200: DirectoryView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def put_directory(call: Call, services: Services, directory: str, body: DirectoryBody) -> DirectoryView:
    """Creates or replaces a directory.

    It decides who the members are, so it needs everything that can be granted in the organization.
    """
    organization = organization_of(call.by, _WHAT)
    check_name("directory", directory)
    services.people.roles.check_everything(call.by)
    check_url(body.url)
    server = DirectoryServer(
        organization=organization,
        name=directory,
        kind=DirectoryKind(body.kind),
        url=body.url,
        bind_dn=body.bind_dn,
        user_base=body.user_base,
        group_base=body.group_base,
        user_filter=body.user_filter,
        ca=body.ca,
        created_at=services.clock(),
    )
    services.people.directories.put_directory(server, body.bind_password)
    return _view(server)


@endpoints.add(
    "DELETE",
    "/v1/directories/{directory}",
    Permission.MEMBERS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def delete_directory(call: Call, services: Services, directory: str) -> Reply:
    """Deletes a directory. Members stay; nobody signs in through it any more, or is removed because of it."""
    organization = organization_of(call.by, _WHAT)
    services.people.directories.get_directory(organization, directory)
    services.people.directories.delete_directory(organization, directory)
    return Reply(None)


def _view(server: DirectoryServer) -> DirectoryView:
    return DirectoryView(
        name=server.name,
        kind=str(server.kind),
        url=server.url,
        bind_dn=server.bind_dn,
        user_base=server.user_base,
        group_base=server.group_base,
        user_filter=server.user_filter,
        ca=server.ca,
        created_at=server.created_at,
        synced_at=server.synced_at,
        problem=server.problem,
    )
