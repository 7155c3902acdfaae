"""Secrets of a project, or where they are read: written, listed by name, deleted. Values are never read back."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import SECRET_NAME_PATTERN, Name
from cadence.application.pipelines.check_document import usable_secrets
from cadence.application.shared.secret_ports import Binding, SecretDescription
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.secret_source import SecretSource, SourceKind, VaultAccess, VaultLogin
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation

endpoints = Endpoints("secrets")


SourceName = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
VaultName = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[ -~]+$")]
SecretName = Annotated[str, StringConstraints(pattern=SECRET_NAME_PATTERN)]


class VaultBody(Body):
    address: VaultName = Field(description="Without a path, such as `https://vault.example.com:8200`.")
    login: Literal["jwt", "approle"] = Field(
        "jwt", description="With an identity token of the treatment, whose audience is the address, or with an AppRole."
    )
    role: VaultName = Field(description="The role for `jwt`, the role ID for `approle`.")
    secret: SecretName | None = Field(None, description="The project's secret that is the secret ID of `approle`.")
    login_mount: VaultName | None = Field(None, description="Where the auth method is mounted; by default `login`.")
    mount: VaultName = Field("secret", description="Where the engine KV, version 2, is mounted.")
    namespace: VaultName | None = None

    def access(self) -> VaultAccess:
        return VaultAccess(
            address=self.address.rstrip("/"),
            role=self.role,
            login=VaultLogin(self.login),
            login_mount=self.login_mount or self.login,
            mount=self.mount,
            namespace=self.namespace,
            secret=self.secret,
        )


class SecretSourceBody(Body):
    """Where the value is read, each time that a runner claims a treatment with the secret. It is not stored."""

    kind: Literal["aws-secrets-manager", "aws-parameter-store", "vault"]
    name: SourceName = Field(description="The name of the secret or parameter, or the path below the mount.")
    field: VaultName | None = Field(None, description="A member of the JSON object there; required for `vault`.")
    vault: VaultBody | None = Field(None, description="For `vault` only.")

    def source(self) -> SecretSource:
        """Returns the source. Raises InvalidRequest."""
        vault = self.vault.access() if self.vault else None
        source = SecretSource(kind=SourceKind(self.kind), name=self.name, field=self.field, vault=vault)
        source.check()
        return source


class SecretValueBody(Body):
    value: Annotated[SecretStr, StringConstraints(min_length=1)] | None = Field(
        None, description="At most 64 KiB of UTF-8 text. Either this or a `source` is required."
    )
    source: SecretSourceBody | None = None

    def given(self) -> str | SecretSource:
        """Returns the value or the source, whichever was sent. Raises InvalidRequest unless it is one of them."""
        if (self.value is None) == (self.source is None):
            message = "A secret has either a value or a source: send one of them."
            raise InvalidRequest(message, [Violation("/value", message, "one_of")])
        if self.source is not None:
            return self.source.source()
        return self.value.get_secret_value() if self.value else ""


class SecretBody(SecretValueBody):
    environment: Name | None = Field(
        None,
        description="Binds the secret to an environment: only treatments of that environment receive it. `null` ends"
        " that; without this member the secret stays bound as it is.",
    )


class VaultView(Model):
    address: str
    login: str
    role: str
    secret: str | None
    login_mount: str
    mount: str
    namespace: str | None


class SecretSourceView(Model):
    kind: str
    name: str
    field: str | None
    vault: VaultView | None


class SecretView(Model):
    name: str
    version: int
    updated_at: datetime
    source: SecretSourceView | None = Field(description="Where the value is read; `null` if Cadence keeps it.")
    environment: str | None = Field(description="The environment that it is bound to, if any.")
    owner: str = Field(description="`project`, `organization`, `team:NAME` or `pool:NAME`; guests get no names.")


class SecretList(Model):
    items: list[SecretView]
    next: str | None = None


@endpoints.add(
    "GET", "/v1/projects/{project}/secrets", Permission.SECRETS_READ, answers={200: SecretList}, errors=(404,)
)
def list_secrets(call: Call, services: Services, project: str) -> SecretList:
    """Lists the names of a project's secrets, then of those of pools, teams and the organization that are given to it.

    Of several with one name, a treatment receives the most specific that reaches it: the project's, that of the pool
    that it runs in, a team's, the organization's.
    """
    owner = services.project(call.by, project)
    pools = {pool.name for pool in services.access.list_pools(owner.organization) if pool.serves(owner.name)}
    usable = usable_secrets(services.secrets, owner.organization, owner.name, pools)
    # A guest learns nothing of the people of the organization, so not the names of its teams.
    return SecretList(items=[secret_view(secret, names_owner=not call.by.is_guest) for secret in usable])


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/secrets/{secret}",
    Permission.SECRETS_WRITE,
    answers={200: SecretView},
    errors=(404, 413, 415, 422),
)
def put_secret(call: Call, services: Services, project: str, secret: str, body: SecretBody) -> SecretView:
    """Sets a secret, or its source. Treatments of its environment that start from now on get the new value."""
    owner = services.project(call.by, project)
    check_secret_name(secret)
    if body.environment is not None:
        services.environments.get_environment(owner.organization, owner.name, body.environment)
    binding = Binding(body.environment) if "environment" in body.model_fields_set else None
    value = _value(services, owner.organization, owner.name, body)
    return secret_view(services.secrets.put(owner.organization, owner.name, secret, value, services.clock(), binding))


@endpoints.add(
    "DELETE", "/v1/projects/{project}/secrets/{secret}", Permission.SECRETS_WRITE, answers={204: None}, errors=(404,)
)
def delete_secret(call: Call, services: Services, project: str, secret: str) -> Reply:
    """Deletes a secret."""
    owner = services.project(call.by, project)
    if not re.fullmatch(SECRET_NAME_PATTERN, secret):
        raise NotFound(f"There is no secret {secret[:127]!r} in project {owner.name}.")
    services.secrets.delete(owner.organization, owner.name, secret)
    return Reply(None)


def _value(services: Services, organization: str, project: str, body: SecretBody) -> str | SecretSource:
    value = body.given()
    if isinstance(value, SecretSource) and (refusal := services.secret_prefixes.refusal(value, organization, project)):
        raise InvalidRequest(refusal, [Violation("/source/name", refusal, "not_of_project")])
    return value


def check_secret_name(name: str) -> None:
    """Raises InvalidRequest for what cannot be the name of a secret."""
    if not re.fullmatch(SECRET_NAME_PATTERN, name):
        message = "A secret's name begins with a letter and has letters, digits, `_`, `.` and `-`, at most 127 in all."
        raise InvalidRequest(message, [Violation("secret", message, "bad_name")])


def secret_view(secret: SecretDescription, *, names_owner: bool = True) -> SecretView:
    """Returns the answer about a secret; without `names_owner`, only of which kind its owner is."""
    source = None if secret.source is None else SecretSourceView.model_validate(secret.source)
    return SecretView(
        name=secret.name,
        version=secret.version,
        updated_at=secret.updated_at,
        source=source,
        environment=secret.environment,
        owner=str(secret.owner) if names_owner else str(secret.owner.kind),
    )
