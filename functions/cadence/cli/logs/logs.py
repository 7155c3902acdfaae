"""The command `logs`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import time_of
from cadence.cli.shared.completion import complete_treatment
from cadence.cli.shared.errors import INTERRUPTED, reporting_errors
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import err, out, print_json_line, print_line
from cadence.cli.shared.pager import paged
from cadence.cli.shared.started_runs import StartedRuns

Treatment = Annotated[
    str | None,
    typer.Option(
        "--treatment", "-t", help="Only lines of this treatment.", show_default=False, autocompletion=complete_treatment
    ),
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
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=1, metavar="N", help="Only the last N lines.", show_default=False)
    ] = None,
    line: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="From line N of the run's log on.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="From this time on: 2026-01-31T12:00Z, or an age such as 2h.", show_default=False
        ),
    ] = None,
    step: Step = None,
    as_json: Json = False,
) -> None:
    """Print the log lines of a run. --json prints one object per line."""
    if sum(place is not None for place in (tail, line, since)) > 1:
        raise typer.BadParameter("Name one place: --tail, --line or --since.")
    if step and not treatment:
        raise typer.BadParameter("Name its treatment with --treatment.", param_hint="--step")
    with reporting_errors(as_json), paged(not (follow or as_json)):
        client = connect()
        run = client.run(run_id)
        names = [one["name"] for one in run["treatments"]]
        if treatment and treatment not in names:
            client.treatment(run_id, treatment)  # raises the error of the API if there is none
        width = max(map(len, names), default=0)
        started = StartedRuns(client, run_id)
        try:
            for one in client.all_logs(
                run_id,
                follow,
                tail=tail,
                line=line,
                time=time_of(since) if since else None,
                treatment=treatment,
                step=step,
                grep=grep,
            ):
                print_json_line(one) if as_json else print_line(one, out, width)
            if not as_json:
                treatments = client.run(run_id)["treatments"] if follow else run["treatments"]
                _name_started(started, [one for one in treatments if treatment in (None, one["name"])])
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _name_started(started: StartedRuns, treatments: list[Any]) -> None:
    """Names the runs whose lines are not in this log: below the lines on a terminal, else apart from them."""
    console = out if out.is_terminal else err
    for one in started.changes(treatments):
        console.print(one.line(), markup=False, highlight=False, soft_wrap=True)
