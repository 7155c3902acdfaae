"""The commands `secret`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import prompt_secret
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Project
from cadence.cli.shared.output import date_time, err, print_list, print_result

_MASKED_WELL = 4  # characters

secret = typer.Typer(name="secret", help="Secrets of a project; values cannot be read back.", no_args_is_help=True)


@secret.command("list")
def list_secrets(project: Project = None, as_json: Json = False) -> None:
    """List the names of a project's secrets."""
    with reporting_errors(as_json):
        secrets = connect(project).secrets()
    print_list(secrets, ("SECRET", "VERSION", "UPDATED", "ENVIRONMENT"), _row, as_json)


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return one["name"], one["version"], date_time(one["updated_at"]), one["environment"] or "any"


@secret.command("set")
def set_secret(
    name: Name,
    environment: Annotated[
        str | None, typer.Option(help="Give it only to treatments of this environment (default: as it is now).")
    ] = None,
    any_environment: Annotated[bool, typer.Option(help="Give it to every treatment that names it.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Set a secret. The value is asked for, or read from standard input; it is never an argument."""
    if environment is not None and any_environment:
        raise typer.BadParameter("--environment and --any-environment exclude each other.")
    value = prompt_secret(name)
    binding = {"environment": environment} if environment is not None or any_environment else {}
    with reporting_errors(as_json):
        stored = connect(project).set_secret(name, value, binding)
    if len(value) < _MASKED_WELL:
        err.print(
            f"warning: {name} has fewer than {_MASKED_WELL} characters: every such text in logs is masked, "
            "and its encoded forms are not.",
            markup=False,
        )
    bound = f", only for the environment {stored['environment']}" if stored["environment"] else ""
    print_result(stored, f"Set secret {name}, version {stored['version']}{bound}.", as_json)


@secret.command("delete")
def delete_secret(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Delete a secret."""
    with reporting_errors(as_json):
        connect(project).delete_secret(name)
    print_result({"deleted": name}, f"Deleted secret {name}.", as_json)
