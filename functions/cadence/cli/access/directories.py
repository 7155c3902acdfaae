"""The command `directory`."""

from pathlib import Path
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import date_time, print_list, print_result

directory = typer.Typer(
    name="directory", help="Directories (LDAP, Active Directory) with which members sign in.", no_args_is_help=True
)


@directory.command("list")
def list_directories(as_json: Json = False) -> None:
    """List directories, and when their members were last looked up."""
    with reporting_errors(as_json):
        directories = connect().directories()
    print_list(
        directories,
        ("DIRECTORY", "KIND", "ADDRESS", "LOOKED UP", "PROBLEM"),
        lambda one: (
            one["name"],
            one["kind"],
            one["url"],
            date_time(one["synced_at"]) if one["synced_at"] else "",
            one["problem"],
        ),
        as_json,
    )


@directory.command("create")
def create_directory(
    name: Name,
    url: Annotated[str, typer.Option(help="ldaps://HOST, or ldap://HOST, which is encrypted with StartTLS.")],
    bind_dn: Annotated[str, typer.Option(help="The account that reads the directory; its password is asked for.")],
    user_base: Annotated[str, typer.Option(help="Where people are; everyone there who matches may sign in.")],
    group_base: Annotated[str, typer.Option(help="Where groups are.")],
    kind: Annotated[str, typer.Option(help="ldap or active-directory.")] = "ldap",
    user_filter: Annotated[str, typer.Option(help="In place of the usual filter for people.")] = "",
    ca: Annotated[
        Path | None, typer.Option(help="A PEM file of the authorities that sign the server's certificate.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create or replace a directory. The password of its account is asked for, or read from standard input."""
    try:
        authorities = ca.read_text() if ca else None
    except (OSError, UnicodeError) as error:
        raise fail(f"{ca} cannot be read: {error}.", WRONG_USE) from None
    body = {
        "kind": kind,
        "url": url,
        "bind_dn": bind_dn,
        "bind_password": prompt_secret(f"the password of {bind_dn}"),
        "user_base": user_base,
        "group_base": group_base,
        "user_filter": user_filter,
        "ca": authorities,
    }
    with reporting_errors(as_json):
        stored = connect().put_directory(name, body)
    print_result(stored, f"Stored directory {name}.", as_json)


@directory.command("delete")
def delete_directory(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a directory. Members stay, and are no longer removed because of it."""
    confirm_deletion(f"directory {name}", yes)
    with reporting_errors(as_json):
        connect().delete_directory(name)
    print_result({"deleted": name}, f"Deleted directory {name}.", as_json)
