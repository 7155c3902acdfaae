"""The commands `alert`; those about rules, channels and silences are groups below it."""

from typing import Annotated

import typer

from cadence.cli.alerts.channels import channel
from cadence.cli.alerts.rules import rule
from cadence.cli.alerts.silences import silence
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, labels_text, print_list

alert = typer.Typer(name="alert", help="Alerts, their rules, channels and silences.", no_args_is_help=True)
alert.add_typer(rule)
alert.add_typer(channel)
alert.add_typer(silence)

_LONGEST_SAMPLE = 100


@alert.command("list")
def list_alerts(
    state: Annotated[str | None, typer.Option(help="open or closed", show_default=False)] = None, as_json: Json = False
) -> None:
    """List alerts, open ones first."""
    with reporting_errors(as_json):
        alerts = connect().alerts(state)
    print_list(
        alerts,
        ("STATE", "RULE", "LABELS", "OPENED", "CLOSED", "COUNT", "LAST"),
        lambda one: (
            "silenced" if one["silenced_until"] else one["state"],
            one["rule"],
            labels_text(one["labels"]),
            date_time(one["opened_at"]),
            date_time(one["closed_at"]),
            one["count"],
            one["sample"]["text"].splitlines()[0][:_LONGEST_SAMPLE]
            if one["sample"] and one["sample"]["text"]
            else None,
        ),
        as_json,
    )
