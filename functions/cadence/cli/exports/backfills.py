"""The commands `export backfill`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import time_of
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name
from cadence.cli.shared.output import date_time, print_list, print_result

backfill = typer.Typer(
    name="backfill", help="Back-fills: stored lines and spans that an export sends again.", no_args_is_help=True
)


@backfill.command("list")
def list_backfills(name: Name, as_json: Json = False) -> None:
    """List the back-fills of an export and their progress."""
    with reporting_errors(as_json):
        backfills = connect().backfills(name)
    print_list(
        backfills,
        ("BACK-FILL", "STATE", "SINCE", "UNTIL", "RUNS", "LINES", "SPANS", "POINTS", "ERROR"),
        lambda one: (
            one["backfill_id"],
            one["state"],
            date_time(one["since"]),
            date_time(one["until"]),
            one["runs"],
            one["lines"],
            one["spans"],
            one["points"],
            one["error"],
        ),
        as_json,
    )


@backfill.command("create")
def create_backfill(
    name: Name,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="A time with its zone (2026-03-01T12:00:00Z), or an age: 30m, 6h, 7d.")
    ],
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="A time or an age, as for --since (default: now).", show_default=False),
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(help="logs or traces (default: all that the export sends); may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send the stored data of a time range again."""
    body = {
        "since": time_of("--since", since),
        "until": time_of("--until", until) if until else None,
        "signals": signal or None,
    }
    with reporting_errors(as_json):
        started = connect().start_backfill(name, body)
    print_result(started, f"Started back-fill {started['backfill_id']}.", as_json)
