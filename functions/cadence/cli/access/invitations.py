"""The commands `member invite`, `invitations`, `uninvite` and `accept`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect, connect_without_token
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret, seconds_of
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

Teams = Annotated[list[str] | None, typer.Option("--team", help="A team to join; may be repeated.")]


def invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    teams: Teams = None,
    role: Annotated[str | None, typer.Option(help="A role to grant, together with --scope.")] = None,
    scope: Annotated[str | None, typer.Option(help="Where to grant it, such as project:web.")] = None,
    expires_in: Annotated[str, typer.Option(metavar="DURATION", help="How long it can be accepted.")] = "7d",
    as_json: Json = False,
) -> None:
    """Invite a person and print the code that accepts the invitation."""
    seconds = seconds_of("--expires-in", expires_in)
    body = {"email": email, "teams": teams or [], "role": role, "scope": scope, "expires_in": seconds}
    with reporting_errors(as_json):
        client = connect()
        created = client.invite(body)
    if as_json:
        print_json(created)
    elif out.is_terminal:
        command = f'cadence member accept "NAME" --url {client.url}'
        until = date_time(created["expires_at"])
        out.print(f"Invited {email} until {until}. Send the person this code and this command, which asks for it:")
        out.print(f"    {created['code']}", f"    {command}", sep="\n", markup=False, highlight=False, soft_wrap=True)
    else:
        print(created["code"])


def list_invitations(as_json: Json = False) -> None:
    """List open invitations."""
    with reporting_errors(as_json):
        invitations = connect().invitations()
    print_list(
        invitations,
        ("INVITATION", "FOR", "ROLE", "SCOPE", "EXPIRES"),
        lambda one: (
            one["invitation_id"],
            one["email"] or one["team"],
            one["role"],
            one["scope"],
            date_time(one["expires_at"]),
        ),
        as_json,
    )


def delete_invitation(
    invitation_id: Annotated[str, typer.Argument(metavar="INVITATION_ID")], yes: Yes = False, as_json: Json = False
) -> None:
    """Delete an open invitation."""
    confirm_deletion(f"invitation {invitation_id}", yes)
    with reporting_errors(as_json):
        connect().delete_invitation(invitation_id)
    print_result({"deleted": invitation_id}, f"Deleted invitation {invitation_id}.", as_json)


def accept_invitation(
    name: Name,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The address of the installation (default: CADENCE_URL).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Accept an invitation under your name and print a first token; no token is needed before.

    The code is asked for, or read from standard input.
    """
    with reporting_errors(as_json):
        client = connect_without_token(url)
    code = prompt_secret("the invitation's code")
    with reporting_errors(as_json):
        accepted = client.accept_invitation(code, name)
    if as_json:
        print_json(accepted)
        return
    print(accepted["token"])
    if out.is_terminal:
        out.print("This is your token, shown once. Use it in later commands:")
        settings = f"    export CADENCE_URL={client.url} CADENCE_TOKEN={accepted['token']}"
        out.print(settings, markup=False, highlight=False, soft_wrap=True)
