"""The commands `member`, `team` and `service-account`."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.access.invitations import Teams, accept_invitation, delete_invitation, invite, list_invitations
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret, seconds_of
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result, print_table

member = typer.Typer(name="member", help="Members of the organization, and invitations.", no_args_is_help=True)
team = typer.Typer(name="team", help="Teams of members.", no_args_is_help=True)
service_account = typer.Typer(name="service-account", help="Accounts for programs.", no_args_is_help=True)

MemberId = Annotated[str, typer.Argument(metavar="MEMBER_ID", help="The id of a member.")]
TeamName = Annotated[str, typer.Argument(metavar="TEAM")]
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
def delete_member(member_id: MemberId, yes: Yes = False, as_json: Json = False) -> None:
    """Remove a member. Tokens, links and invitations of the member end at once."""
    confirm_deletion(f"member {member_id}, with all tokens and grants of the member", yes)
    with reporting_errors(as_json):
        connect().delete_member(member_id)
    print_result({"deleted": member_id}, f"Removed member {member_id}.", as_json)


@member.command("erase")
def erase_member(
    member_id: MemberId,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and what stays; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking for the id.")] = False,
    as_json: Json = False,
) -> None:
    """Erase what is stored of a member or former member, the name included, and print the certificate.

    Records keep the member's id, which leads to no name any more. This cannot be undone.
    """
    client = connect()
    if dry_run or not yes:
        with reporting_errors(as_json):
            found = client.member_data(member_id)
        if dry_run:
            _print_erasure(found, f"Erasing member {member_id} removes", found["counts"], as_json)
            return
        if not sys.stdin.isatty():
            raise fail(f"Erasing {member_id} has to be confirmed: add --yes, or try --dry-run first.", WRONG_USE)
        if typer.prompt("Type the member's id to erase the person for good", err=True) != member_id:
            raise fail("That is not the member's id. Nothing was erased.", WRONG_USE)
    with reporting_errors(as_json):
        erasure = client.erase_member(member_id)
    _print_erasure(erasure, f"Erased member {member_id} (certificate {erasure['id']}):", erasure["removed"], as_json)


@member.command("erasures")
def list_erasures(as_json: Json = False) -> None:
    """List the certificates of erasures, the newest first."""
    with reporting_errors(as_json):
        erasures = connect().member_erasures()
    print_list(
        erasures,
        ("CERTIFICATE", "MEMBER", "REQUESTED", "BY", "FINISHED", "REMOVED"),
        lambda one: (
            one["id"],
            one["member_id"],
            date_time(one["requested_at"]),
            one["requested_by"],
            date_time(one["finished_at"]),
            _amounts(one["removed"]),
        ),
        as_json,
    )


member.command("invite")(invite)
member.command("invitations")(list_invitations)
member.command("uninvite")(delete_invitation)
member.command("accept")(accept_invitation)


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
def delete_team(name: TeamName, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a team with its grants."""
    confirm_deletion(f"team {name} with its grants", yes)
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
def delete_service_account(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a service account with its grants and tokens."""
    confirm_deletion(f"service account {name} with its grants and tokens", yes)
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


def _print_erasure(shown: Mapping[str, Any], heading: str, counts: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    out.print(f"{heading} {_amounts(counts)}.", "Stays:", sep="\n", markup=False, highlight=False)
    for sentence in shown["stays"]:
        out.print(f"- {sentence}", markup=False, highlight=False)


def _amounts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())
