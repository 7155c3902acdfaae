"""The commands `project`."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, ProjectName
from cadence.cli.shared.output import date_time, err, print_list, print_result, print_table, size

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
    name: ProjectName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it without asking for its name.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a project with everything in it: runs, values, logs, pipelines, secrets, tokens, alerts and caches.

    Its runs are cancelled and nothing new starts; its data is removed some hours later, and cannot be restored.
    """
    client = connect()
    if dry_run or not yes:
        with reporting_errors(as_json):
            found = client.count_project(name)
        if dry_run:
            print_result(found, _sentence(name, found), as_json)
            return
        if not sys.stdin.isatty():
            raise fail(f"Deleting {name} has to be confirmed: add --yes, or try --dry-run first.", WRONG_USE)
        err.print(_sentence(name, found), markup=False, highlight=False)
        if typer.prompt("Type the project's name to delete it for good", err=True) != name:
            raise fail("That is not the project's name. Nothing was deleted.", WRONG_USE)
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
    print_list(deletions, ("DELETION", "PROJECT", "STATE", "REQUESTED", "BY", "FINISHED"), _row, as_json)


@project.command("deletion")
def show_deletion(
    deletion: Annotated[str, typer.Argument(metavar="DELETION", help="The id of a deletion.")], as_json: Json = False
) -> None:
    """Show how far the deletion of a project is, and what it removed."""
    with reporting_errors(as_json):
        found = connect().project_deletion(deletion)
    if as_json:
        print_result(found, "", as_json)
        return
    print_table(("DELETION", "PROJECT", "STATE", "REQUESTED", "BY", "FINISHED"), [_row(found)])
    print_table(("REMOVED", "NUMBER"), [(kind, _amount(kind, number)) for kind, number in found["removed"].items()])
    for sentence in found["remains"]:
        err.print(sentence, markup=False, highlight=False)


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    times = date_time(one["requested_at"]), one["requested_by"], date_time(one["finished_at"])
    return one["id"], one["project"], one["state"], *times


def _sentence(name: str, found: Mapping[str, Any]) -> str:
    if not found["counts"]:
        return f"Project {name} holds nothing."
    amounts = ", ".join(f"{_amount(kind, number)} {_kind(kind)}" for kind, number in found["counts"].items())
    bound = "" if found["complete"] else "at least (there was no time to count everything) "
    return f"Deleting project {name} removes {bound}{amounts}."


def _amount(kind: str, number: int) -> str:
    return size(number) if kind == "bytes" else f"{number:,}"


def _kind(kind: str) -> str:
    return "of objects" if kind == "bytes" else kind
