"""Secrets of the organization, of teams and of pools: written, listed by name, deleted. Values are never read back."""

from typing import Annotated

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.access.secrets import SecretValueBody, SecretView, check_secret_name, secret_view
from api.shapes import ProjectOrAll
from cadence.application.shared.secret_ports import SecretDescription
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.secret_owner import OF_ORGANIZATION, SecretOwner, pool_owner, team_owner

endpoints = Endpoints("secrets")


class PoolSecretBody(SecretValueBody):
    pass


class SharedSecretBody(SecretValueBody):
    projects: Annotated[list[ProjectOrAll], Field(min_length=1, max_length=1000)] | None = Field(
        None,
        description="The projects that it is given to, or `*` for all. Without this member it stays given to those that"
        " it is given to. A new one of the organization is then given to all; of a team, it is required.",
    )


class SharedSecretView(SecretView):
    projects: list[str] = Field(
        description="The projects that it is given to (`*`: all); empty for a pool's, which reaches what runs there."
    )


class SharedSecretList(Model):
    items: list[SharedSecretView]
    next: str | None = None


@endpoints.add("GET", "/v1/secrets", Permission.SECRETS_READ, answers={200: SharedSecretList})
def list_shared_secrets(call: Call, services: Services) -> SharedSecretList:
    """Lists the names of secrets of the organization, its teams and its pools, as far as the token may read them."""
    return SharedSecretList(items=[_view(secret) for secret in services.shared_secrets.visible(call.by)])


@endpoints.add(
    "PUT",
    "/v1/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={200: SharedSecretView},
    errors=(404, 409, 413, 415, 422),
    at="organization",
)
def put_organization_secret(call: Call, services: Services, secret: str, body: SharedSecretBody) -> SharedSecretView:
    """Sets a secret of the organization, or its source, and which projects it is given to."""
    return _put(call, services, OF_ORGANIZATION, secret, body, body.projects)


@endpoints.add(
    "DELETE",
    "/v1/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={204: None},
    errors=(404, 409),
    at="organization",
)
def delete_organization_secret(call: Call, services: Services, secret: str) -> Reply:
    """Deletes a secret of the organization."""
    return _delete(call, services, OF_ORGANIZATION, secret)


@endpoints.add(
    "PUT",
    "/v1/teams/{team}/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={200: SharedSecretView},
    errors=(404, 409, 413, 415, 422),
)
def put_team_secret(call: Call, services: Services, team: str, secret: str, body: SharedSecretBody) -> SharedSecretView:
    """Sets a secret of a team, or its source, and which projects it is given to.

    Needs the permission at each of these projects, and for the organization or as a member of the team.
    """
    return _put(call, services, team_owner(team), secret, body, body.projects)


@endpoints.add(
    "DELETE", "/v1/teams/{team}/secrets/{secret}", Permission.SECRETS_WRITE, answers={204: None}, errors=(404, 409)
)
def delete_team_secret(call: Call, services: Services, team: str, secret: str) -> Reply:
    """Deletes a secret of a team. Needs what setting it needs."""
    return _delete(call, services, team_owner(team), secret)


@endpoints.add(
    "PUT",
    "/v1/pools/{pool}/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={200: SharedSecretView},
    errors=(404, 409, 413, 415, 422),
)
def put_pool_secret(call: Call, services: Services, pool: str, secret: str, body: PoolSecretBody) -> SharedSecretView:
    """Sets a secret of a pool, or its source. Only treatments that run in the pool receive it."""
    return _put(call, services, pool_owner(pool), secret, body, None)


@endpoints.add(
    "DELETE", "/v1/pools/{pool}/secrets/{secret}", Permission.SECRETS_WRITE, answers={204: None}, errors=(404, 409)
)
def delete_pool_secret(call: Call, services: Services, pool: str, secret: str) -> Reply:
    """Deletes a secret of a pool."""
    return _delete(call, services, pool_owner(pool), secret)


def _put(
    call: Call, services: Services, owner: SecretOwner, secret: str, body: SecretValueBody, projects: list[str] | None
) -> SharedSecretView:
    check_secret_name(secret)
    return _view(services.shared_secrets.put(call.by, owner, secret, body.given(), projects))


def _delete(call: Call, services: Services, owner: SecretOwner, secret: str) -> Reply:
    services.shared_secrets.delete(call.by, owner, secret)
    return Reply(None)


def _view(secret: SecretDescription) -> SharedSecretView:
    return SharedSecretView(**secret_view(secret).model_dump(), projects=list(secret.projects))
