"""The command `logs`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import INTERRUPTED, reporting_errors
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import out, print_json_line, print_line
from cadence.cli.shared.pager import paged

Treatment = Annotated[
    str | None, typer.Option("--treatment", "-t", help="Only lines of this treatment.", show_default=False)
]

Step = Annotated[
    str | None,
    typer.Option("--step", metavar="NAME", help="Only lines of this step of the treatment.", show_default=False),
]


def logs(
    run_id: Run,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the run ends.")] = False,
    grep: Annotated[
        str | None,
        typer.Option(metavar="RE", help="Only lines that match this regular expression.", show_default=False),
    ] = None,
    treatment: Treatment = None,
    step: Step = None,
    as_json: Json = False,
) -> None:
    """Print the log lines of a run. --json prints one object per line."""
    if step and not treatment:
        raise typer.BadParameter("Name its treatment with --treatment.", param_hint="--step")
    with reporting_errors(as_json), paged(not (follow or as_json)):
        client = connect()
        width = max((len(one["name"]) for one in client.run(run_id)["treatments"]), default=0)
        try:
            for line in client.all_logs(run_id, follow, treatment=treatment, step=step, grep=grep):
                print_json_line(line) if as_json else print_line(line, out, width)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
