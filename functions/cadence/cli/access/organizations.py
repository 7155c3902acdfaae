"""The commands `organization`."""

from typing import Annotated

import typer

from cadence.cli.access.deletions import DeletionId, DryRun, WithoutAsking, confirmed, print_deletion, print_deletions
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result, print_table

organization = typer.Typer(name="organization", help="Organizations.", no_args_is_help=True)


@organization.command("list")
def list_organizations(as_json: Json = False) -> None:
    """List the organization of the token; all organizations for those who run the installation."""
    with reporting_errors(as_json):
        organizations = connect().organizations()
    print_list(
        organizations,
        ("ORGANIZATION", "DISPLAY NAME", "CREATED", "DELETION"),
        lambda one: (one["name"], one["display_name"], date_time(one["created_at"]), one["deletion"]),
        as_json,
    )


@organization.command("create")
def create_organization(
    name: Name,
    display_name: Annotated[str, typer.Option(help="What people see beside the name.")] = "",
    as_json: Json = False,
) -> None:
    """Create an organization and print a token for everything in it. It cannot be printed again."""
    with reporting_errors(as_json):
        created = connect().create_organization(name, display_name)
    print_json(created) if as_json else print(created["token"])


@organization.command("rename")
def rename_organization(
    name: Name,
    display_name: Annotated[str, typer.Argument(metavar="DISPLAY_NAME", help="What people see beside the name.")],
    as_json: Json = False,
) -> None:
    """Change what an organization is shown as. Its name stays, since keys and identity tokens hold it."""
    with reporting_errors(as_json):
        renamed = connect().rename_organization(name, display_name)
    print_result(renamed, f"Organization {name} is shown as {renamed['display_name'] or name}.", as_json)


@organization.command("delete")
def delete_organization(name: Name, dry_run: DryRun = False, yes: WithoutAsking = False, as_json: Json = False) -> None:
    """Delete an organization with everything in it: projects, members, teams, accounts, tokens, pools and exports.

    None of its tokens is accepted any more; its data is removed some hours later, and cannot be restored.
    """
    client = connect()
    if not confirmed("organization", name, client.count_organization, dry_run=dry_run, yes=yes, as_json=as_json):
        return
    with reporting_errors(as_json):
        deletion = client.delete_organization(name)
    print_result(
        deletion,
        f"Organization {name} is being deleted (deletion {deletion['id']}). None of its tokens is accepted any more; its "
        f"data is removed from {date_time(deletion['removes_from'])} on. `cadence organization deletion "
        f"{deletion['id']}` shows how far this is.",
        as_json,
    )


@organization.command("deletions")
def list_deletions(as_json: Json = False) -> None:
    """List deletions of organizations, the newest first."""
    with reporting_errors(as_json):
        deletions = connect().organization_deletions()
    print_deletions(deletions, "organization", as_json)


@organization.command("deletion")
def show_deletion(deletion: DeletionId, as_json: Json = False) -> None:
    """Show how far the deletion of an organization is, and what it and the deletions of its projects removed."""
    with reporting_errors(as_json):
        found = connect().organization_deletion(deletion)
    if as_json:
        print_json(found)
        return
    print_deletion(found, "organization")
    for project in found["projects"]:
        print_deletion(project, "project")


@organization.command("self")
def show_self(as_json: Json = False) -> None:
    """Show whom the token stands for and what is granted to them."""
    with reporting_errors(as_json):
        shown = connect().myself()
    if as_json:
        print_json(shown)
        return
    out.print(f"{shown['name']} ({shown['subject'] or 'a token of its own'}) in {shown['organization']}", markup=False)
    grants = shown["grants"] or ()
    print_table(("ROLE", "SCOPE", "THROUGH"), ((one["role"], one["scope"], one["subject"]) for one in grants))
