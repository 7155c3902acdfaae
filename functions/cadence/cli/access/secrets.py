"""The commands `secret`."""

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
    columns = ("SECRET", "VERSION", "UPDATED")
    print_list(secrets, columns, lambda one: (one["name"], one["version"], date_time(one["updated_at"])), as_json)


@secret.command("set")
def set_secret(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Set a secret. The value is asked for, or read from standard input; it is never an argument."""
    value = prompt_secret(name)
    with reporting_errors(as_json):
        stored = connect(project).set_secret(name, value)
    if len(value) < _MASKED_WELL:
        err.print(
            f"warning: {name} has fewer than {_MASKED_WELL} characters: every such text in logs is masked, "
            "and its encoded forms are not.",
            markup=False,
        )
    print_result(stored, f"Set secret {name}, version {stored['version']}.", as_json)


@secret.command("delete")
def delete_secret(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Delete a secret."""
    with reporting_errors(as_json):
        connect(project).delete_secret(name)
    print_result({"deleted": name}, f"Deleted secret {name}.", as_json)
