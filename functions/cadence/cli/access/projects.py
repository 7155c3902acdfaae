"""The commands `project`."""

import typer

from cadence.cli.access.deletions import DeletionId, DryRun, WithoutAsking, confirmed, deletion_row, print_deletion
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name
from cadence.cli.shared.output import date_time, print_json, print_list, print_result

project = typer.Typer(name="project", help="Projects of the organization.", no_args_is_help=True)


@project.command("list")
def list_projects(as_json: Json = False) -> None:
    """List projects."""
    with reporting_errors(as_json):
        projects = connect().projects()
    print_list(projects, ("PROJECT", "CREATED"), lambda one: (one["name"], date_time(one["created_at"])), as_json)


@project.command("create")
def create_project(name: Name, as_json: Json = False) -> None:
    """Create a project."""
    with reporting_errors(as_json):
        created = connect().create_project(name)
    print_result(created, f"Created project {name}.", as_json)


@project.command("delete")
def delete_project(name: Name, dry_run: DryRun = False, yes: WithoutAsking = False, as_json: Json = False) -> None:
    """Delete a project with everything in it: runs, values, logs, pipelines, secrets, tokens, alerts and caches.

    Its runs are cancelled and nothing new starts; its data is removed some hours later, and cannot be restored.
    """
    client = connect()
    if not confirmed("project", name, client.count_project, dry_run=dry_run, yes=yes, as_json=as_json):
        return
    with reporting_errors(as_json):
        deletion = client.delete_project(name)
    print_result(
        deletion,
        f"Project {name} is being deleted (deletion {deletion['id']}). Its runs are cancelled; its data is removed from "
        f"{date_time(deletion['removes_from'])} on. `cadence project deletion {deletion['id']}` shows how far this is.",
        as_json,
    )


@project.command("deletions")
def list_deletions(as_json: Json = False) -> None:
    """List deletions of projects, the newest first."""
    with reporting_errors(as_json):
        deletions = connect().project_deletions()
    heads = ("DELETION", "PROJECT", "STATE", "REQUESTED", "BY", "FINISHED")
    print_list(deletions, heads, lambda one: deletion_row(one, "project"), as_json)


@project.command("deletion")
def show_deletion(deletion: DeletionId, as_json: Json = False) -> None:
    """Show how far the deletion of a project is, and what it removed."""
    with reporting_errors(as_json):
        found = connect().project_deletion(deletion)
    print_json(found) if as_json else print_deletion(found, "project")
