"""Arguments and options that many commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON.")]
Project = Annotated[
    str | None,
    typer.Option("--project", "-p", help="The project (default: CADENCE_PROJECT, or `default`).", show_default=False),
]
ProjectOrAll = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        help="The project, or * for the whole organization (default: CADENCE_PROJECT, or `default`).",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete it without asking; without a terminal nothing is asked.")]
OnlyProject = Annotated[
    str | None, typer.Option("--project", "-p", help="Only those of this project.", show_default=False)
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run: its id, the beginning or end of it (four letters or more), @last, or @failed."
    ),
]
Treatment = Annotated[str, typer.Argument(metavar="TREATMENT", help="The name of a treatment of the run.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]
