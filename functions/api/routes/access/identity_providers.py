"""Identity providers, with which members sign in."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.endpoint import PUBLIC, Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.shapes import NAME_PATTERN
from api.visibility import organization_of
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.identity_provider import IdentityProvider
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("people")
_WHAT = "see or change identity providers"

_DEFAULT_SCOPES = ["openid", "email", "profile"]
Issuer = Annotated[str, StringConstraints(max_length=300, pattern=r"^https?://[^\s?#]+[^\s?#/]$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class IdentityProviderBody(Body):
    """A public client of an OpenID Connect provider; Cadence keeps no secret of it."""

    issuer: Issuer = Field(description="As its tokens name it, without a slash at the end.")
    client_id: Word
    scopes: list[Word] = Field(_DEFAULT_SCOPES, min_length=1, max_length=20)
    groups_claim: Word = Field("groups", description="The claim that lists a person's groups.")
    open_to_all: bool = Field(default=False, description="Everyone who can sign in there becomes a member.")


class IdentityProviderView(Model):
    name: str
    issuer: str
    client_id: str
    scopes: list[str]
    groups_claim: str
    open_to_all: bool
    created_at: datetime


class IdentityProviderList(Model):
    items: list[IdentityProviderView]
    next: str | None = None


class SignInWayView(Model):
    name: str
    issuer: str
    client_id: str
    scopes: list[str]


class SignInWays(Model):
    items: list[SignInWayView]
    directories: list[str] = Field(description="Names of LDAP servers, for `POST /v1/sign-in/directory`.")


@endpoints.add(
    "GET", "/v1/identity-providers", Permission.MEMBERS_READ, answers={200: IdentityProviderList}, at="organization"
)
def list_identity_providers(call: Call, services: Services) -> IdentityProviderList:
    """Lists the identity providers of the organization."""
    stored = services.people.providers.list_providers(organization_of(call.by, _WHAT))
    return IdentityProviderList(items=[_view(provider) for provider in stored])


@endpoints.add(
    "PUT",
    "/v1/identity-providers/{identity_provider}",
    Permission.MEMBERS_WRITE,
    answers={200: IdentityProviderView},
    errors=(404, 413, 415, 422),
    at="organization",
)
def put_identity_provider(
    call: Call, services: Services, identity_provider: str, body: IdentityProviderBody
) -> IdentityProviderView:
    """Creates or replaces an identity provider.

    It decides who the members are, so it needs everything that can be granted in the organization.
    """
    organization = organization_of(call.by, _WHAT)
    check_name("identity provider", identity_provider)
    services.people.roles.check_everything(call.by)
    provider = IdentityProvider(
        organization=organization,
        name=identity_provider,
        issuer=body.issuer,
        client_id=body.client_id,
        created_at=services.clock(),
        scopes=tuple(body.scopes),
        groups_claim=body.groups_claim,
        open_to_all=body.open_to_all,
    )
    services.people.providers.put_provider(provider)
    return _view(provider)


@endpoints.add(
    "DELETE",
    "/v1/identity-providers/{identity_provider}",
    Permission.MEMBERS_WRITE,
    answers={204: None},
    errors=(404,),
    at="organization",
)
def delete_identity_provider(call: Call, services: Services, identity_provider: str) -> Reply:
    """Deletes an identity provider. Members stay; nobody signs in through it any more."""
    organization = organization_of(call.by, _WHAT)
    services.people.providers.get_provider(organization, identity_provider)
    services.people.providers.delete_provider(organization, identity_provider)
    return Reply(None)


@endpoints.add("GET", "/v1/sign-in/{organization}", PUBLIC, answers={200: SignInWays}, errors=(404,))
def list_sign_in_ways(call: Call, services: Services, organization: str) -> SignInWays:
    """Lists the ways to sign in to an organization, none for one that does not exist.

    The identity token of the provider is then sent to `POST /v1/sign-in`, name and password of a directory to
    `POST /v1/sign-in/directory`.
    """
    if not re.fullmatch(NAME_PATTERN, organization):
        raise NotFound("There is no organization of this name.")
    stored = services.people.providers.list_providers(organization)
    return SignInWays(
        items=[
            SignInWayView(
                name=provider.name, issuer=provider.issuer, client_id=provider.client_id, scopes=list(provider.scopes)
            )
            for provider in stored
        ],
        directories=[server.name for server in services.people.directories.list_directories(organization)],
    )


def _view(provider: IdentityProvider) -> IdentityProviderView:
    return IdentityProviderView(
        name=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        scopes=list(provider.scopes),
        groups_claim=provider.groups_claim,
        open_to_all=provider.open_to_all,
        created_at=provider.created_at,
    )
