"""Secrets of a project: written, listed by name, deleted. Their values are never read back."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import SECRET_NAME_PATTERN, Name
from cadence.application.shared.secret_ports import Binding
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("secrets")


class SecretBody(Body):
    value: Annotated[SecretStr, StringConstraints(min_length=1)] = Field(description="At most 64 KiB of UTF-8 text.")
    environment: Name | None = Field(
        None,
        description="Binds the secret to an environment: only treatments of that environment receive it. `null` ends"
        " that; without this member the secret stays bound as it is.",
    )


class SecretView(Model):
    name: str
    version: int
    updated_at: datetime
    environment: str | None = Field(description="The environment that it is bound to, if any.")


class SecretList(Model):
    items: list[SecretView]
    next: str | None = None


@endpoints.add(
    "GET", "/v1/projects/{project}/secrets", Permission.SECRETS_READ, answers={200: SecretList}, errors=(404,)
)
def list_secrets(call: Call, services: Services, project: str) -> SecretList:
    """Lists the names of a project's secrets."""
    owner = services.project(call.by, project)
    names = services.secrets.names(owner.organization, owner.name)
    return SecretList(items=[SecretView.model_validate(secret) for secret in names])


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={200: SecretView},
    errors=(404, 413, 415, 422),
)
def put_secret(call: Call, services: Services, project: str, secret: str, body: SecretBody) -> SecretView:
    """Sets a secret. Treatments that start from now on get the new value, if they are of its environment."""
    owner = services.project(call.by, project)
    if not re.fullmatch(SECRET_NAME_PATTERN, secret):
        message = "A secret's name begins with a letter and has letters, digits, `_`, `.` and `-`, at most 127 in all."
        raise InvalidRequest(message, [Violation("secret", message, "bad_name")])
    if body.environment is not None:
        services.environments.get_environment(owner.organization, owner.name, body.environment)
    binding = Binding(body.environment) if "environment" in body.model_fields_set else None
    value = body.value.get_secret_value()
    return SecretView.model_validate(
        services.secrets.put(owner.organization, owner.name, secret, value, services.clock(), binding)
    )


@endpoints.add(
    "DELETE", "/v1/projects/{project}/secrets/{secret}", Permission.SECRETS_WRITE, answers={204: None}, errors=(404,)
)
def delete_secret(call: Call, services: Services, project: str, secret: str) -> Reply:
    """Deletes a secret."""
    owner = services.project(call.by, project)
    services.secrets.delete(owner.organization, owner.name, secret)
    return Reply(None)
