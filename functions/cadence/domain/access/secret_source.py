"""Where a secret's value is if Cadence does not keep it: AWS Secrets Manager, SSM Parameter Store, HashiCorp Vault."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cadence.domain.access.secret_owner import OF_PROJECT, SecretOwner
from cadence.domain.shared.errors import CannotRun, InvalidRequest, Violation

LARGEST_VALUE = 64 * 1024
"""Bytes of UTF-8, as many as a secret that Cadence keeps may have."""

_AWS_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_PARAMETER = re.compile(r"(?:/[A-Za-z0-9_.-]{1,255}){1,15}")
_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?")
# Vault joins paths as they are: a segment of dots would lead elsewhere, and none may be empty.
_VAULT_PATH = re.compile(r"(?!\.)[A-Za-z0-9_ .@+=:-]{1,200}(?<!\.)(?:/(?!\.)[A-Za-z0-9_ .@+=:-]{1,200}(?<!\.)){0,19}")


class SourceKind(StrEnum):
    SECRETS_MANAGER = "aws-secrets-manager"
    PARAMETER_STORE = "aws-parameter-store"
    VAULT = "vault"


class VaultLogin(StrEnum):
    """How Cadence signs in: with an identity token of the treatment, or with an AppRole."""

    JWT = "jwt"
    APPROLE = "approle"


@dataclass(frozen=True, kw_only=True)
class VaultAccess:
    """A server and how to sign in to it.

    `role` is the role of `jwt`, or the role ID of `approle`, whose secret ID is the same owner's secret `secret`.
    `mount` is where the engine KV (version 2) is mounted, `login_mount` where the auth method is.
    """

    address: str
    role: str
    login: VaultLogin = VaultLogin.JWT
    login_mount: str = "jwt"
    mount: str = "secret"
    namespace: str | None = None
    secret: str | None = None

    @property
    def audience(self) -> str:
        """The audience of identity tokens for this server: its address, so that no other server can use them there."""
        return self.address


@dataclass(frozen=True, kw_only=True)
class SecretSource:
    """The name of a secret, of a parameter, or of a path in Vault; `field` is a member of the JSON object there."""

    kind: SourceKind
    name: str
    field: str | None = None
    vault: VaultAccess | None = None

    def __str__(self) -> str:
        member = f", field {self.field}" if self.field else ""
        if self.vault:
            return f"Vault {self.vault.address}, {self.vault.mount}/{self.name}{member}"
        place = "AWS Secrets Manager" if self.kind is SourceKind.SECRETS_MANAGER else "SSM Parameter Store"
        return f"{place}, {self.name}{member}"

    def check(self) -> None:
        """Raises InvalidRequest, which lists what is wrong."""
        violations = [Violation(f"/source/{place}", message) for place, message in self._mistakes()]
        if violations:
            raise InvalidRequest("The source of the secret is not valid.", violations)

    def as_json(self) -> dict[str, Any]:
        """Returns the source as it is stored and shown. It has no secret."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SecretSource":
        """Returns the source that `as_json` described."""
        vault = data.get("vault")
        access = VaultAccess(**{**vault, "login": VaultLogin(vault["login"])}) if vault else None
        return cls(kind=SourceKind(data["kind"]), name=data["name"], field=data.get("field"), vault=access)

    def _mistakes(self) -> Iterator[tuple[str, str]]:
        if self.kind is SourceKind.VAULT:
            yield from self._mistakes_of_vault()
        elif self.vault is not None:
            yield "vault", "Only sources of the kind vault have this."
        elif self.kind is SourceKind.SECRETS_MANAGER and not _AWS_NAME.fullmatch(self.name):
            yield "name", "Write the name of a secret: letters, digits and /_+=.@-, at most 512. ARNs are not names."
        elif self.kind is SourceKind.PARAMETER_STORE and not _PARAMETER.fullmatch(self.name):
            yield "name", "Write the full name of a parameter, such as /cadence/acme/web/token."

    def _mistakes_of_vault(self) -> Iterator[tuple[str, str]]:
        if self.vault is None:
            yield "vault", "Sources of the kind vault require an address and a role."
            return
        if self.field is None:
            yield "field", "Secrets in Vault have fields: name one."
        if not _ADDRESS.fullmatch(self.vault.address):
            yield "vault/address", "Write the address without a path, such as https://vault.example.com:8200."
        paths = {"name": self.name, "vault/mount": self.vault.mount, "vault/login_mount": self.vault.login_mount}
        if self.vault.namespace is not None:
            paths["vault/namespace"] = self.vault.namespace
        for place, path in paths.items():
            if not _VAULT_PATH.fullmatch(path):
                yield place, "Write a path without a slash at its ends, such as apps/web."
        if (self.vault.login is VaultLogin.APPROLE) != (self.vault.secret is not None):
            yield "vault/secret", "Name the secret with the secret ID for approle, and none for jwt."


@dataclass(frozen=True)
class SourcePrefixes:
    """How the names of secrets and parameters begin that this installation may read; empty: it reads none.

    Below the prefix, each owner of secrets has names of its own, so that none can name what belongs to another.
    """

    secrets_manager: str = ""
    parameter_store: str = ""

    def of_owner(self, kind: SourceKind, organization: str, project: str, owner: SecretOwner = OF_PROJECT) -> str:
        """Returns how names of the owner begin; empty if the installation reads nothing of this kind."""
        prefix = self.secrets_manager if kind is SourceKind.SECRETS_MANAGER else self.parameter_store
        # No project's name begins with `_`.
        below = project if owner == OF_PROJECT else "/".join(filter(None, (f"_{owner.kind}", owner.name)))
        return f"{prefix}{organization}/{below}/" if prefix else ""

    def refusal(
        self, source: SecretSource, organization: str, project: str, owner: SecretOwner = OF_PROJECT
    ) -> str | None:
        """Returns why the owner may not read the source, and what to do; None if it may."""
        if source.kind is SourceKind.VAULT:
            return None
        begin = self.of_owner(source.kind, organization, project, owner)
        if not begin:
            setting = source.kind.removeprefix("aws-").replace("-", "_") + "_prefix"
            return (
                f"This installation reads nothing from {source.kind}. Its operator allows it with "
                f"`cadence deploy --context {setting}=…`."
            )
        if not source.name.startswith(begin) or len(source.name) == len(begin):
            whose = f"the project {project}" if owner == OF_PROJECT else owner.in_words
            return f"Names for {whose} begin with {begin}: rename {source.name}, or copy it there."
        return None


def pick_field(text: str, field: str | None) -> str:
    """Returns `text`, or the member `field` of the JSON object that it is. Raises CannotRun; no message has a value."""
    if field is None:
        return _usable(text)
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CannotRun(f"it is no JSON object, so that it has no field {field}. Leave the field out.")
    return field_of(content, field)


def field_of(content: Mapping[str, Any], field: str) -> str:
    """Returns a member as text: what is no text is written as JSON. Raises CannotRun; no message has a value."""
    if field not in content:
        raise CannotRun(f"it has no field {field}. Set it there, or name another field.")
    value = content[field]
    return _usable(value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))


def _usable(value: str) -> str:
    if not value:
        raise CannotRun("its value is empty. Set it there.")
    if len(value.encode("utf-8", "surrogatepass")) > LARGEST_VALUE:
        raise CannotRun(f"its value has more than {LARGEST_VALUE} bytes. Store a smaller one there.")
    return value
