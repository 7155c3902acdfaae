"""The command `open`: a link to the dashboard that signs its user in."""

from typing import Annotated

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import InAttempt, Json, MaybeTreatment
from cadence.cli.shared.output import print_json
from cadence.domain.shared.permalinks import PAGE_ROOT, run_permalink, treatment_permalink


def sign_in_link(
    client: Client, run_id: str | None = None, treatment: str | None = None, attempt: int | None = None
) -> str:
    """Returns the address of the dashboard, or of the page of a run or of one of its treatments, with a code that signs
    in once, within a minute.
    """
    code = client.sign_in_code()["code"]
    address = f"{client.url}{PAGE_ROOT}"
    if run_id and treatment:
        address = treatment_permalink(run_id, treatment, client.url, attempt)
    elif run_id:
        address = run_permalink(run_id, client.url)
    return f"{address}#code={code}"


def open_dashboard(
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The run to show (default: the list of runs).", show_default=False),
    ] = None,
    treatment: MaybeTreatment = None,
    attempt: InAttempt = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Also open the link in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Print a link to the dashboard that signs in once, within a minute."""
    if attempt and not treatment:
        raise fail("--attempt requires a TREATMENT.", WRONG_USE)
    with reporting_errors(as_json):
        client = connect()
        whole_id = client.whole_run_id(run_id) if run_id else None
        if whole_id and treatment:
            client.treatment(whole_id, treatment, attempt)  # raises the error of the API if there is none
        link = sign_in_link(client, whole_id, treatment, attempt)
    print_json({"url": link}) if as_json else print(link)
    if browser:
        typer.launch(link)
