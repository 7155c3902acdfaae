"""The commands `member`, `team` and `service-account`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import prompt_secret, seconds_of
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result, print_table

member = typer.Typer(name="member", help="Members of the organization, and invitations.", no_args_is_help=True)
team = typer.Typer(name="team", help="Teams of members.", no_args_is_help=True)
service_account = typer.Typer(name="service-account", help="Accounts for programs.", no_args_is_help=True)

MemberId = Annotated[str, typer.Argument(metavar="MEMBER_ID", help="The id of a member.")]
TeamName = Annotated[str, typer.Argument(metavar="TEAM")]
Teams = Annotated[list[str] | None, typer.Option("--team", help="A team to join; may be repeated.")]
Description = Annotated[str, typer.Option(help="What it is for.")]


@member.command("list")
def list_members(as_json: Json = False) -> None:
    """List the members of the organization."""
    with reporting_errors(as_json):
        members = connect().members()
    print_list(
        members,
        ("MEMBER", "NAME", "EMAIL", "TEAMS"),
        lambda one: (one["member_id"], one["name"], one["email"], " ".join(one["teams"])),
        as_json,
    )


@member.command("show")
def show_member(member_id: MemberId, as_json: Json = False) -> None:
    """Show a member."""
    with reporting_errors(as_json):
        shown = connect().member(member_id)
    if as_json:
        print_json(shown)
        return
    out.print(f"{shown['name']} <{shown['email']}>, teams: {' '.join(shown['teams']) or 'none'}", markup=False)


@member.command("create")
def create_member(
    name: Name,
    email: Annotated[str, typer.Option(help="The address by which an identity provider knows the member.")],
    teams: Teams = None,
    as_json: Json = False,
) -> None:
    """Add a member, who signs in through the identity provider."""
    with reporting_errors(as_json):
        created = connect().create_member(name, email, teams or [])
    print_result(created, f"Added member {created['member_id']}.", as_json)


@member.command("delete")
def delete_member(member_id: MemberId, as_json: Json = False) -> None:
    """Remove a member. Tokens, links and invitations of the member end at once."""
    with reporting_errors(as_json):
        connect().delete_member(member_id)
    print_result({"deleted": member_id}, f"Removed member {member_id}.", as_json)


@member.command("invite")
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
        created = connect().invite(body)
    print_json(created) if as_json else print(created["code"])


@member.command("invitations")
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


@member.command("uninvite")
def delete_invitation(
    invitation_id: Annotated[str, typer.Argument(metavar="INVITATION_ID")], as_json: Json = False
) -> None:
    """Delete an open invitation."""
    with reporting_errors(as_json):
        connect().delete_invitation(invitation_id)
    print_result({"deleted": invitation_id}, f"Deleted invitation {invitation_id}.", as_json)


@member.command("accept")
def accept_invitation(name: Name, as_json: Json = False) -> None:
    """Accept an invitation under your name and print a first token. The code is asked for, or read from standard
    input.
    """
    code = prompt_secret("the invitation's code")
    with reporting_errors(as_json):
        accepted = connect().accept_invitation(code, name)
    print_json(accepted) if as_json else print(accepted["token"])


@team.command("list")
def list_teams(as_json: Json = False) -> None:
    """List the teams of the organization."""
    with reporting_errors(as_json):
        teams = connect().teams()
    print_list(
        teams,
        ("TEAM", "GROUP", "DESCRIPTION"),
        lambda one: (one["name"], one["group"], one["description"]),
        as_json,
    )


@team.command("show")
def show_team(name: TeamName, as_json: Json = False) -> None:
    """Show a team and its members."""
    with reporting_errors(as_json):
        shown = connect().team(name)
    if as_json:
        print_json(shown)
        return
    print_table(
        ("MEMBER", "NAME", "EMAIL"),
        ((one["member_id"], one["name"], one["email"]) for one in shown["members"]),
    )


@team.command("create")
def create_team(
    name: TeamName,
    description: Description = "",
    group: Annotated[str | None, typer.Option(help="The group whose members belong to it.")] = None,
    group_source: Annotated[
        str | None,
        typer.Option(help="Whose group it is: identity-provider:NAME, directory:NAME or scim (default: anyone's)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create or change a team."""
    with reporting_errors(as_json):
        stored = connect().put_team(name, description, group, group_source)
    print_result(stored, f"Stored team {name}.", as_json)


@team.command("delete")
def delete_team(name: TeamName, as_json: Json = False) -> None:
    """Delete a team with its grants."""
    with reporting_errors(as_json):
        connect().delete_team(name)
    print_result({"deleted": name}, f"Deleted team {name}.", as_json)


@team.command("join")
def join_team(name: TeamName, member_id: MemberId, as_json: Json = False) -> None:
    """Add a member to a team."""
    with reporting_errors(as_json):
        connect().join_team(name, member_id)
    print_result({"team": name, "member": member_id}, f"Member {member_id} belongs to team {name}.", as_json)


@team.command("leave")
def leave_team(name: TeamName, member_id: MemberId, as_json: Json = False) -> None:
    """Remove a member from a team."""
    with reporting_errors(as_json):
        connect().leave_team(name, member_id)
    print_result({"team": name, "member": member_id}, f"Member {member_id} left team {name}.", as_json)


@team.command("accept")
def accept_for_team(as_json: Json = False) -> None:
    """Accept another organization's invitation of a team. The code is asked for, or read from standard input."""
    code = prompt_secret("the invitation's code")
    with reporting_errors(as_json):
        accepted = connect().accept_for_team(code)
    sentence = (
        f"{accepted['team']} has the role {accepted['role']} at {accepted['scope']} of {accepted['organization']}."
    )
    print_result(accepted, sentence, as_json)


@service_account.command("list")
def list_service_accounts(as_json: Json = False) -> None:
    """List the service accounts of the organization."""
    with reporting_errors(as_json):
        accounts = connect().service_accounts()
    print_list(
        accounts,
        ("ACCOUNT", "CREATED BY", "DESCRIPTION"),
        lambda one: (one["name"], one["created_by"], one["description"]),
        as_json,
    )


@service_account.command("create")
def create_service_account(name: Name, description: Description = "", as_json: Json = False) -> None:
    """Create or change a service account."""
    with reporting_errors(as_json):
        stored = connect().put_service_account(name, description)
    print_result(stored, f"Stored service account {name}.", as_json)


@service_account.command("delete")
def delete_service_account(name: Name, as_json: Json = False) -> None:
    """Delete a service account with its grants and tokens."""
    with reporting_errors(as_json):
        connect().delete_service_account(name)
    print_result({"deleted": name}, f"Deleted service account {name}.", as_json)


@service_account.command("token")
def create_token(
    name: Name,
    label: Annotated[str, typer.Option("--name", help="The name of the token.")] = "cli",
    expires_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Lifetime (default: no expiry).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a token of a service account and print it. It cannot be printed again."""
    seconds = seconds_of("--expires-in", expires_in) if expires_in else None
    with reporting_errors(as_json):
        created = connect().create_service_account_token(name, label, seconds)
    print_json(created) if as_json else print(created["token"])
