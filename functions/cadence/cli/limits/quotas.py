"""The commands `quota`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import print_json, print_table

quota = typer.Typer(name="quota", help="Quotas of the organization.", no_args_is_help=True)


@quota.command("show")
def show_quotas(as_json: Json = False) -> None:
    """Show the quotas of the organization."""
    with reporting_errors(as_json):
        quotas = connect().quotas()
    _print_quotas(quotas, as_json)


@quota.command("set")
def set_quotas(
    running_runs: Annotated[int, typer.Option(min=1, help="Runs at a time; further runs wait.")] = 500,
    runners: Annotated[
        int | None,
        typer.Option(min=1, help="Runners at a time over all pools (default: no limit).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set the quotas of the organization."""
    with reporting_errors(as_json):
        quotas = connect().put_quotas({"max_running_runs": running_runs, "max_runners": runners})
    _print_quotas(quotas, as_json)


def _print_quotas(quotas: Any, as_json: bool) -> None:
    if as_json:
        print_json(quotas)
        return
    rows = (("running runs", quotas["max_running_runs"]), ("runners", quotas["max_runners"] or "no limit"))
    print_table(("QUOTA", "LIMIT"), rows)
