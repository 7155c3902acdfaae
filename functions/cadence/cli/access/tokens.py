"""The commands `token`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import date_time, print_json, print_list, print_result

token = typer.Typer(name="token", help="Tokens for the API.", no_args_is_help=True)


@token.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List tokens, without their secrets."""
    with reporting_errors(as_json):
        tokens = connect().tokens()
    print_list(
        tokens,
        ("TOKEN", "NAME", "PROJECT", "PERMISSIONS", "EXPIRES", "LAST USED"),
        lambda one: (
            one["token_id"],
            one["name"],
            one["project"],
            " ".join(one["permissions"]),
            date_time(one["expires_at"]),
            date_time(one["last_used_at"]),
        ),
        as_json,
    )


@token.command("create")
def create_token(
    name: Name,
    permission: Annotated[
        list[str], typer.Option(help="A permission such as runs:start, or * for all; may be repeated.")
    ],
    project: Annotated[str, typer.Option("--project", "-p", help="One project, or * for all.")] = "*",
    expires_in: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS", help="Lifetime (at most, and by default, that of the token in use).", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a token and print it. It cannot be printed again."""
    with reporting_errors(as_json):
        created = connect().create_token(name, permission, project, expires_in)
    print_json(created) if as_json else print(created["token"])


@token.command("delete")
def delete_token(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID")], yes: Yes = False, as_json: Json = False
) -> None:
    """Delete a token, and all that were created with it. They are refused from now on."""
    confirm_deletion(f"token {token_id} and all that were created with it", yes)
    with reporting_errors(as_json):
        connect().delete_token(token_id)
    print_result({"deleted": token_id}, f"Deleted token {token_id}.", as_json)


@token.command("policy")
def token_policy(
    longest_days: Annotated[
        int | None,
        typer.Option(min=1, max=3_650, help="Set how many days tokens may live that are created from now on."),
    ] = None,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Allow tokens without an end again.")] = False,
    as_json: Json = False,
) -> None:
    """Show how long tokens of the organization may live, or set it."""
    if longest_days is not None and no_limit:
        raise fail("Give one of --longest-days and --no-limit.", WRONG_USE)
    with reporting_errors(as_json):
        changes = longest_days is not None or no_limit
        policy = connect().set_token_policy(longest_days) if changes else connect().token_policy()
    days = policy["longest_days"]
    print_result(policy, "Tokens may have no end." if days is None else f"Tokens live {days} days at most.", as_json)
