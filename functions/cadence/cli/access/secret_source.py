"""The options of `secret set` that name where a secret is read."""

from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True)
class VaultOptions:
    """What only Vault requires. `secret_id` is the name of a secret of the project; with it, `role` is a role ID."""

    path: str | None
    role: str | None
    secret_id: str | None
    mount: str
    login_mount: str | None
    namespace: str | None

    def document(self, address: str) -> dict[str, Any]:
        """Returns the access to a server as the API takes it. Raises BadParameter."""
        if self.role is None:
            raise typer.BadParameter("--vault requires --role.")
        return {
            "address": address,
            "login": "approle" if self.secret_id else "jwt",
            "role": self.role,
            "secret": self.secret_id,
            "login_mount": self.login_mount,
            "mount": self.mount,
            "namespace": self.namespace,
        }

    @property
    def given(self) -> bool:
        """Whether any of them was given that has no default."""
        return any((self.path, self.role, self.secret_id, self.login_mount, self.namespace))


@dataclass(frozen=True)
class SourceOptions:
    """Where a secret is read: at most one of these."""

    secrets_manager: str | None
    parameter_store: str | None
    vault: str | None

    def document(self, field: str | None, of_vault: VaultOptions) -> dict[str, Any] | None:
        """Returns the source as the API takes it, None if none was named. Raises BadParameter."""
        named = [one for one in (self.secrets_manager, self.parameter_store, self.vault) if one is not None]
        if len(named) > 1:
            raise typer.BadParameter("--secrets-manager, --parameter-store and --vault exclude each other.")
        if self.vault is None and of_vault.given:
            raise typer.BadParameter(
                "--path, --role, --secret-id, --login-mount and --namespace are for --vault, which is missing."
            )
        if not named:
            if field is not None:
                raise typer.BadParameter("--field requires --secrets-manager, --parameter-store or --vault.")
            return None
        if self.vault is None:
            kind = "aws-secrets-manager" if self.secrets_manager is not None else "aws-parameter-store"
            return {"kind": kind, "name": named[0], "field": field}
        if of_vault.path is None or field is None:
            raise typer.BadParameter("--vault requires --path and --field.")
        return {"kind": "vault", "name": of_vault.path, "field": field, "vault": of_vault.document(self.vault)}
