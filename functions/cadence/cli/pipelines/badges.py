"""The commands `badge`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import print_json, print_result
from cadence.domain.shared.permalinks import pipeline_permalink

badge = typer.Typer(name="badge", help="Badges: pictures of a pipeline's state.", no_args_is_help=True)


@badge.command("show")
def show_badge(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE")],
    branch: Annotated[str | None, typer.Option(help="Only runs for this branch count (default: any).")] = None,
    repository: Annotated[
        str | None, typer.Option(help="Only runs for this repository count: its full name or id (default: any).")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Print the Markdown of a pipeline's badge.

    Unless the badges of the project are public, its address contains a token, which shows this badge and nothing else.
    """
    with reporting_errors(as_json):
        client = connect(project)
        found = client.badge(pipeline, branch, repository)
        base = client.url.rstrip("/")
        page = pipeline_permalink(client.project, pipeline, base)
    markdown = f"[![{pipeline}]({base}{found['path']})]({page})"
    print_json({**found, "markdown": markdown}) if as_json else print(markdown)


@badge.command("set")
def set_badges(
    public: Annotated[
        bool, typer.Option("--public/--private", help="Whether everybody may see the badges of the project.")
    ],
    revoke_tokens: Annotated[
        bool, typer.Option("--revoke-tokens", help="Make the tokens in the addresses of all its badges invalid.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Declare the badges of a project public, or private."""
    with reporting_errors(as_json):
        client = connect(project)
        stored = client.put_badges(public=public, revoke_tokens=revoke_tokens)
    who = "Everybody" if stored["public"] else "Only those who have a badge's token"
    print_result(stored, f"{who} may see the badges of the project {client.project}.", as_json)
