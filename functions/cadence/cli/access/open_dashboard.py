"""The command `open`: a link to the dashboard that signs its user in."""

from typing import Annotated

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import print_json
from cadence.domain.shared.permalinks import PAGE_ROOT, run_permalink


def sign_in_link(client: Client, run_id: str | None = None) -> str:
    """Returns the address of the dashboard, or of a run's page, with a code that signs in once, within a minute."""
    code = client.sign_in_code()["code"]
    address = run_permalink(run_id, client.url) if run_id else f"{client.url}{PAGE_ROOT}"
    return f"{address}#code={code}"


def open_dashboard(
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The run to show (default: the list of runs).", show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Also open the link in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Print a link to the dashboard that signs in once, within a minute."""
    with reporting_errors(as_json):
        client = connect()
        link = sign_in_link(client, client.whole_run_id(run_id) if run_id else None)
    print_json({"url": link}) if as_json else print(link)
    if browser:
        typer.launch(link)
