"""The commands `secret`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.access.secret_source import SourceOptions, VaultOptions
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Project, Yes
from cadence.cli.shared.output import date_time, err, print_list, print_result

_MASKED_WELL = 4  # characters

secret = typer.Typer(name="secret", help="Secrets of a project; values cannot be read back.", no_args_is_help=True)


@secret.command("list")
def list_secrets(project: Project = None, as_json: Json = False) -> None:
    """List the names of a project's secrets, and where they are read."""
    with reporting_errors(as_json):
        secrets = connect(project).secrets()
    print_list(secrets, ("SECRET", "VERSION", "UPDATED", "ENVIRONMENT", "SOURCE"), _row, as_json)


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    where = _shown(one["source"]) if one["source"] else "Cadence"
    return one["name"], one["version"], date_time(one["updated_at"]), one["environment"] or "any", where


def _shown(source: Mapping[str, Any]) -> str:
    member = f"#{source['field']}" if source["field"] else ""
    vault = source["vault"]
    place = f"{vault['address']} {vault['mount']}/" if vault else ""
    return f"{source['kind']}: {place}{source['name']}{member}"


@secret.command("set")
def set_secret(
    name: Name,
    environment: Annotated[
        str | None, typer.Option(help="Give it only to treatments of this environment (default: as it is now).")
    ] = None,
    any_environment: Annotated[bool, typer.Option(help="Give it to every treatment that names it.")] = False,
    secrets_manager: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read it from AWS Secrets Manager, each time it is needed.")
    ] = None,
    parameter_store: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read it from SSM Parameter Store, each time it is needed.")
    ] = None,
    vault: Annotated[
        str | None, typer.Option(metavar="URL", help="Read it from this HashiCorp Vault, each time it is needed.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="The path in Vault, below the mount.")] = None,
    field: Annotated[str | None, typer.Option(help="A field there; Vault requires one.")] = None,
    role: Annotated[
        str | None, typer.Option(help="The role in Vault, or the role ID of an AppRole (with --secret-id).")
    ] = None,
    secret_id: Annotated[
        str | None, typer.Option(metavar="SECRET", help="The project's secret that is the AppRole's secret ID.")
    ] = None,
    mount: Annotated[str, typer.Option(help="Where the engine KV, version 2, is mounted in Vault.")] = "secret",
    login_mount: Annotated[
        str | None, typer.Option(help="Where the auth method is mounted in Vault (default: jwt, or approle).")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="The namespace in Vault.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Set a secret, or where it is read.

    A value is asked for, or read from standard input; it is never an argument. The value of a secret in AWS or Vault is
    not stored: a runner's claim reads it there.
    """
    if environment is not None and any_environment:
        raise typer.BadParameter("--environment and --any-environment exclude each other.")
    binding = {"environment": environment} if environment is not None or any_environment else {}
    elsewhere = SourceOptions(secrets_manager, parameter_store, vault)
    of_vault = VaultOptions(path, role, secret_id, mount, login_mount, namespace)
    source = elsewhere.document(field, of_vault)
    if source is None:
        stored = _set_value(name, binding, project, as_json)
        where = ""
    else:
        with reporting_errors(as_json):
            stored = connect(project).set_secret_source(name, source, binding)
        where = f", read from {_shown(stored['source'])}"
    bound = f", only for the environment {stored['environment']}" if stored["environment"] else ""
    print_result(stored, f"Set secret {name}, version {stored['version']}{bound}{where}.", as_json)


def _set_value(name: str, binding: Mapping[str, str | None], project: str | None, as_json: bool) -> Mapping[str, Any]:
    value = prompt_secret(name)
    with reporting_errors(as_json):
        stored: Mapping[str, Any] = connect(project).set_secret(name, value, binding)
    if len(value) < _MASKED_WELL:
        err.print(
            f"warning: {name} has fewer than {_MASKED_WELL} characters: every such text in logs is masked, "
            "and its encoded forms are not.",
            markup=False,
        )
    return stored


@secret.command("delete")
def delete_secret(name: Name, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a secret."""
    confirm_deletion(f"secret {name}", yes)
    with reporting_errors(as_json):
        connect(project).delete_secret(name)
    print_result({"deleted": name}, f"Deleted secret {name}.", as_json)
