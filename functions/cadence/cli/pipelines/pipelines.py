"""The commands `pipeline`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.melodium.program_files import programs_beside
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import FAILED, reporting_errors
from cadence.cli.shared.library_files import libraries_beside
from cadence.cli.shared.options import Json, PipelineName, Project, Yes
from cadence.cli.shared.output import date_time, out, print_findings, print_json, print_list, print_result

pipeline = typer.Typer(name="pipeline", help="Stored pipelines.", no_args_is_help=True)


@pipeline.command("list")
def list_pipelines(project: Project = None, as_json: Json = False) -> None:
    """List the pipelines of a project."""
    with reporting_errors(as_json):
        pipelines = connect(project).pipelines()
    print_list(
        pipelines,
        ("PIPELINE", "VERSION", "CREATED", "BY", "NEXT SCHEDULED RUN"),
        lambda one: (
            one["name"],
            one["version"],
            date_time(one["created_at"]),
            one["created_by_name"] or one["created_by"],
            date_time(next(iter(one["next_firings"]), None)),
        ),
        as_json,
    )


@pipeline.command("show")
def show_pipeline(
    name: PipelineName,
    version: Annotated[int | None, typer.Option(help="A version (default: the newest).", show_default=False)] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Print the document of a pipeline."""
    with reporting_errors(as_json):
        stored = connect(project).pipeline(name, version)
    print_json(stored) if as_json else print(stored["document"], end="")


@pipeline.command("create")
def create_pipeline(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A pipeline document; - reads standard input.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Create a pipeline, or a new version of it, under the name in its document.

    An unchanged document keeps its version.
    """
    document = read_document(file)
    with reporting_errors(as_json, file):
        client = connect(project)
        programs = programs_beside(document, file)
        libraries = libraries_beside(document, file).as_body()
        checked = client.validate(document, programs, libraries)
        if not checked["valid"]:
            if as_json:
                print_json(checked)
            else:
                print_findings(file, checked["findings"])
            raise typer.Exit(FAILED)
        stored = client.put_pipeline(checked["name"], document, programs, libraries)
    if as_json:
        print_json(stored)
        return
    out.print(f"Stored pipeline {stored['name']}, version {stored['version']}.", markup=False)
    if stored["next_firings"]:
        out.print(f"next runs: {', '.join(date_time(moment) for moment in stored['next_firings'])}", markup=False)


@pipeline.command("delete")
def delete_pipeline(name: PipelineName, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a pipeline with all its versions and schedules. Its runs stay, and those that have begun go on."""
    confirm_deletion(f"pipeline {name} with all its versions", yes)
    with reporting_errors(as_json):
        connect(project).delete_pipeline(name)
    print_result({"deleted": name}, f"Deleted pipeline {name}.", as_json)
