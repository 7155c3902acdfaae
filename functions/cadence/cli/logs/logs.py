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

LEVELS = ("error", "warning", "info", "debug")
"""The levels of lines. Repeated here so that the command starts without importing the domain."""

Treatments = Annotated[
    list[str] | None,
    typer.Option(
        "--treatment",
        "-t",
        help="Only lines of this treatment, or of a group's instances; repeated, of several.",
        show_default=False,
        autocompletion=complete_treatment,
    ),
]

Levels = Annotated[
    list[str] | None,
    typer.Option(
        "--level",
        metavar="LEVEL",
        help=f"Only lines of this level ({', '.join(LEVELS)}); repeated, of several.",
        show_default=False,
        autocompletion=lambda incomplete: [level for level in LEVELS if level.startswith(incomplete)],
    ),
]

Step = Annotated[
    str | None,
    typer.Option("--step", metavar="NAME", help="Only lines of this step of the treatment.", show_default=False),
]

Attempt = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Only lines of this attempt of the treatment.", show_default=False),
]


def logs(
    run_id: Run,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the run ends.")] = False,
    grep: Annotated[
        str | None,
        typer.Option(metavar="RE", help="Only lines that match this regular expression.", show_default=False),
    ] = None,
    treatment: Treatments = None,
    level: Levels = None,
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
    attempt: Attempt = None,
    as_json: Json = False,
) -> None:
    """Print the log lines of a run. --json prints one object per line."""
    if sum(place is not None for place in (tail, line, since)) > 1:
        raise typer.BadParameter("Name one place: --tail, --line or --since.")
    treatments = _names(treatment)
    levels = _names(level)
    if unknown := [one for one in levels if one not in LEVELS]:
        raise typer.BadParameter(f"No level is {unknown[0]!r}: they are {', '.join(LEVELS)}.", param_hint="--level")
    if step and len(treatments) != 1:
        raise typer.BadParameter("Name its treatment with --treatment.", param_hint="--step")
    if attempt and len(treatments) != 1:
        raise typer.BadParameter("Name its treatment with --treatment.", param_hint="--attempt")
    begin = time_of("--since", since) if since else None
    with reporting_errors(as_json), paged(not (follow or as_json)):
        client = connect()
        run = client.run(run_id)
        names = [one["name"] for one in run["treatments"]]
        for name in treatments:
            if attempt or name not in names:
                client.treatment(run_id, name, attempt)  # raises the error of the API if there is none
        width = max(map(len, names), default=0)
        started = StartedRuns(client, run_id)
        try:
            for one in client.all_logs(
                run_id,
                follow,
                tail=tail,
                line=line,
                time=begin,
                treatment=",".join(treatments) or None,
                level=",".join(levels) or None,
                step=step,
                attempt=attempt,
                grep=grep,
            ):
                print_json_line(one) if as_json else print_line(one, out, width)
            if not as_json:
                ended = client.run(run_id)["treatments"] if follow else run["treatments"]
                _name_started(started, [one for one in ended if _is_of(one["name"], treatments)])
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _names(given: list[str] | None) -> list[str]:
    """What a repeated option names, each once; each time it may be several, separated by commas."""
    return list(dict.fromkeys(name for text in given or () for name in text.split(",") if name))


def _is_of(name: str, wanted: list[str]) -> bool:
    """Whether lines of a treatment are wanted: of all, of itself or of its group."""
    return not wanted or any(name == one or name.startswith(f"{one}:") for one in wanted)


def _name_started(started: StartedRuns, treatments: list[Any]) -> None:
    """Names the runs whose lines are not in this log: below the lines on a terminal, else apart from them."""
    console = out if out.is_terminal else err
    for one in started.changes(treatments):
        console.print(one.line(), markup=False, highlight=False, soft_wrap=True)
