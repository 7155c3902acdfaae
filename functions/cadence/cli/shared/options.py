"""Arguments and options that many commands share."""

from typing import Annotated

import typer

from cadence.cli.shared.completion import (
    complete_pipeline,
    complete_pool,
    complete_project,
    complete_run,
    complete_treatment,
)

Json = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON.")]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        help="The project (default: CADENCE_PROJECT, or `default`).",
        show_default=False,
        autocompletion=complete_project,
    ),
]
ProjectOrAll = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        help="The project, or * for the whole organization (default: CADENCE_PROJECT, or `default`).",
        show_default=False,
        autocompletion=complete_project,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete it without asking; without a terminal nothing is asked.")]
OnlyProject = Annotated[
    str | None,
    typer.Option(
        "--project", "-p", help="Only those of this project.", show_default=False, autocompletion=complete_project
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: its id, the beginning or end of it (four letters or more), @last, or @failed.",
        autocompletion=complete_run,
    ),
]
Treatment = Annotated[
    str,
    typer.Argument(metavar="TREATMENT", help="The name of a treatment of the run.", autocompletion=complete_treatment),
]
MaybeTreatment = Annotated[
    str | None,
    typer.Argument(
        metavar="TREATMENT",
        help="The name of a treatment of the run.",
        show_default=False,
        autocompletion=complete_treatment,
    ),
]
InAttempt = Annotated[
    int | None,
    typer.Option(
        "--attempt", min=1, metavar="N", help="As it was in this attempt (default: the latest).", show_default=False
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME")]
PipelineName = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_pipeline)]
ProjectName = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_project)]
PoolName = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_pool)]
