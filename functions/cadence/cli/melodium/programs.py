"""The commands `program`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.melodium.program_files import pack_program
from cadence.cli.melodium.program_validation import print_entrypoint
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Project, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

program = typer.Typer(name="program", help="Stored Mélodium programs.", no_args_is_help=True)


@program.command("list")
def list_programs(project: Project = None, as_json: Json = False) -> None:
    """List the stored programs of a project."""
    with reporting_errors(as_json):
        programs = connect(project).programs()
    print_list(
        programs,
        ("PROGRAM", "DIGEST", "CREATED", "BY"),
        lambda one: (
            one["stored_as"],
            one["sha256"][:12],
            date_time(one["created_at"]),
            one["created_by_name"] or one["created_by"],
        ),
        as_json,
    )


@program.command("show")
def show_program(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Show the entrypoints of a stored program: parameters, inputs and outputs with their types."""
    with reporting_errors(as_json):
        stored = connect(project).program(name)
    if as_json:
        print_json(stored)
        return
    out.print(f"{stored['name']} {stored['version']} ({stored['sha256']})", markup=False)
    for entrypoint in stored["entrypoints"]:
        print_entrypoint(entrypoint)


@program.command("create")
def create_program(
    name: Name,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Compo.toml (or its folder), a .mel or a .jeu.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Create a program, or replace it if it exists. Pipelines use it by its name: `melodium: {program: NAME}`."""
    with reporting_errors(as_json, file):
        stored = connect(project).put_program(name, pack_program(file))
    if as_json:
        print_json(stored)
        return
    digest = stored["sha256"][:12]
    out.print(f"Stored program {name}: {stored['name']} {stored['version']} ({digest}).", markup=False)
    for entrypoint in stored["entrypoints"]:
        print_entrypoint(entrypoint)


@program.command("delete")
def delete_program(name: Name, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a stored program. Pipelines that were stored before keep it."""
    confirm_deletion(f"program {name}", yes)
    with reporting_errors(as_json):
        connect(project).delete_program(name)
    print_result({"deleted": name}, f"Deleted program {name}.", as_json)
