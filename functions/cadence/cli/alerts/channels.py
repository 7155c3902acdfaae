"""The commands `alert channel`."""

import json
import time
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, name_value_pairs, prompt_secret
from cadence.cli.shared.errors import FAILED, reporting_errors
from cadence.cli.shared.options import Json, Name, ProjectOrAll, Yes
from cadence.cli.shared.output import date_time, err, out, print_json, print_list, print_result

channel = typer.Typer(name="channel", help="Channels that messages of alerts are sent to.", no_args_is_help=True)

_TEST_SECONDS = 20.0
_POLL_SECONDS = 0.3


@channel.command("list")
def list_channels(as_json: Json = False) -> None:
    """List channels and their delivery status."""
    with reporting_errors(as_json):
        channels = connect().channels()
    print_list(
        channels,
        ("PROJECT", "CHANNEL", "KIND", "STATE", "PENDING", "DELIVERED", "LAST ERROR"),
        lambda one: (
            one["project"],
            one["name"],
            one["kind"],
            one["state"],
            one["waiting"],
            date_time(one["delivered_at"]),
            one["last_error"],
        ),
        as_json,
    )


@channel.command("create")
def create_channel(
    name: Name,
    kind: Annotated[str, typer.Option(help="sns, email, slack, teams, pagerduty or webhook")],
    setting: Annotated[
        list[str] | None,
        typer.Option("--setting", metavar="NAME=VALUE", help="A setting (JSON or text); may be repeated."),
    ] = None,
    ask_secret: Annotated[
        bool,
        typer.Option(
            "--secret",
            help="Set the secret (webhook address, integration key, password or signing key): asked for, or read from "
            "standard input.",
        ),
    ] = False,
    project: ProjectOrAll = None,
    as_json: Json = False,
) -> None:
    """Create a channel, or replace it if it exists. Without --secret an existing channel keeps its secret."""
    settings = {key: _json_or_text(value) for key, value in name_value_pairs("--setting", setting).items()}
    secret = prompt_secret(f"the secret of {name}") if ask_secret else None
    with reporting_errors(as_json):
        stored = connect(project).put_channel(name, kind, settings, secret)
    if as_json:
        print_json(stored)
        return
    out.print(f"Stored channel {name}.", markup=False)
    if stored["topic"]:
        out.print(f"topic  {stored['topic']}", markup=False)
    if stored["secret"]:
        out.print(f"secret  {stored['secret']}  (it cannot be printed again)", markup=False)


@channel.command("delete")
def delete_channel(name: Name, project: ProjectOrAll = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a channel that no rule uses."""
    confirm_deletion(f"channel {name}", yes)
    with reporting_errors(as_json):
        connect(project).delete_channel(name)
    print_result({"deleted": name}, f"Deleted channel {name}.", as_json)


@channel.command("test")
def send_test_message(name: Name, project: ProjectOrAll = None, as_json: Json = False) -> None:
    """Send a test message to a channel and wait until it is delivered or refused."""
    with reporting_errors(as_json):
        client = connect(project)
        before = client.channel(name)
        client.test_channel(name)
        after = _wait_for_delivery(client, name, before)
    delivered = after["delivered_at"] != before["delivered_at"]
    if as_json:
        print_json(after)
    elif delivered:
        out.print("The test message is delivered.", markup=False)
    else:
        problem = after["last_error"] or f"the channel did not answer within {_TEST_SECONDS:.0f} s"
        err.print(f"The test message is not delivered: {problem}", markup=False)
    if not delivered:
        raise typer.Exit(FAILED)


def _wait_for_delivery(client: Client, name: str, before: Any) -> Any:
    """The channel once its delivery has changed since `before`, or after 20 seconds."""
    deadline = time.monotonic() + _TEST_SECONDS
    while True:
        current = client.channel(name)
        retried = current["state"] == "failing" and current["retry_at"] != before["retry_at"]
        if current["delivered_at"] != before["delivered_at"] or retried or time.monotonic() >= deadline:
            return current
        time.sleep(_POLL_SECONDS)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
