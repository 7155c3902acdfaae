"""Options that many commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Project = Annotated[
    str | None,
    typer.Option(
        "--project", "-p", help="The project; `default` unless CADENCE_PROJECT says otherwise.", show_default=False
    ),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id.")]
