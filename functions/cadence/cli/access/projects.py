"""The commands `project`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.access.deletions import DeletionId, DryRun, WithoutAsking, confirmed, print_deletion, print_deletions
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, ProjectName
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
def delete_project(
    name: ProjectName, dry_run: DryRun = False, yes: WithoutAsking = False, as_json: Json = False
) -> None:
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
    print_deletions(deletions, "project", as_json)


@project.command("deletion")
def show_deletion(deletion: DeletionId, as_json: Json = False) -> None:
    """Show how far the deletion of a project is, and what it removed."""
    with reporting_errors(as_json):
        found = connect().project_deletion(deletion)
    print_json(found) if as_json else print_deletion(found, "project")


@project.command("hold")
def hold_project(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why nothing may be deleted, such as the number of a case.")],
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Hold only this run of the project.")] = None,
    as_json: Json = False,
) -> None:
    """Set a legal hold: while it is on, nothing of the project, or of one run of it, is deleted."""
    with reporting_errors(as_json):
        client = connect(name)
        run_id = None if run is None else client.whole_run_id(run)
        hold = client.set_hold(name, reason, run_id)
    thing = f"Project {name}" if run_id is None else f"Run {run_id} of project {name}"
    print_result(
        hold, f"{thing} is held (hold {hold['id']}). `cadence project release {name} {hold['id']}` ends it.", as_json
    )


@project.command("holds")
def list_holds(name: Name, as_json: Json = False) -> None:
    """List the legal holds on a project and its runs, the newest first."""
    with reporting_errors(as_json):
        holds = connect().holds(name)
    print_list(holds, ("HOLD", "RUN", "REASON", "SET", "BY", "KEPT", "RELEASED", "BY"), _hold_row, as_json)


@project.command("release")
def release_hold(
    name: Name,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="The id of a hold.")],
    as_json: Json = False,
) -> None:
    """Release a legal hold; what it held expires again as everything else does."""
    with reporting_errors(as_json):
        released = connect().release_hold(name, hold)
    print_result(released, f"Hold {hold} on project {name} is released.", as_json)


def _hold_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    released = date_time(one["released_at"]), one["released_by"] or ""
    kept = date_time(one["renewed_at"]) if one["renewed_at"] else "not yet"
    return one["id"], one["run_id"] or "all", one["reason"], date_time(one["set_at"]), one["set_by"], kept, *released
