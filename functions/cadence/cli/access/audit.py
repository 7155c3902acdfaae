"""The commands `audit`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, print_json, print_table

audit = typer.Typer(name="audit", help="The audit log: who requested which change.", no_args_is_help=True)


@audit.callback()
def _group() -> None:
    """The audit log: who requested which change."""


@audit.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most entries to list.")] = 50, as_json: Json = False
) -> None:
    """List entries of the audit log, newest first."""
    with reporting_errors(as_json):
        page = connect().audit(limit)
    if as_json:
        print_json(page)
        return
    print_table(
        ("AT", "BY", "TOKEN", "ACTION", "TARGET"),
        ((date_time(one["at"]), one["by"], one["token"], one["action"], one["target"]) for one in page["items"]),
    )
