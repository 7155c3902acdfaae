"""Commands about channels, where messages of alerts go, and about silences."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.pipelines.pipelines import secret_value
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, err, out, print_json, print_table

channel = typer.Typer(name="channel", help="Where messages of alerts go.", no_args_is_help=True)
silence = typer.Typer(name="silence", help="Times during which alerts are kept, but not told of.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]

Owner = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        help="The project, or * for the organization; `default` unless CADENCE_PROJECT says otherwise.",
        show_default=False,
    ),
]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TEST_SECONDS = 20.0
_LOOK_EVERY = 0.3


@channel.command("set")
def set_channel(
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
            help="Give its secret (webhook's address, integration key, password, signing key): asked for, or from standard input.",
        ),
    ] = False,
    project: Owner = None,
    as_json: Json = False,
) -> None:
    """Create or replace a channel. Without --secret, the one that is kept stays."""
    settings = dict(_setting(one) for one in setting or [])
    secret = secret_value(f"the secret of {name}") if ask_secret else None
    with told(as_json):
        stored = connect(project).put_channel(name, kind, settings, secret)
    if as_json:
        print_json(stored)
        return
    out.print(f"channel {name} is set", markup=False)
    if stored["topic"]:
        out.print(f"topic  {stored['topic']}", markup=False)
    if stored["secret"]:
        out.print(f"secret  {stored['secret']}  (it cannot be read again)", markup=False)


@channel.command("list")
def list_channels(as_json: Json = False) -> None:
    """List channels, and how they are getting on."""
    with told(as_json):
        found = connect().channels()
    if as_json:
        print_json(found)
        return
    print_table(
        ("PROJECT", "CHANNEL", "KIND", "STATE", "WAITING", "DELIVERED", "LAST ERROR"),
        (
            (
                one["project"],
                one["name"],
                one["kind"],
                one["state"],
                one["waiting"],
                date_time(one["delivered_at"]),
                one["last_error"],
            )
            for one in found
        ),
    )


@channel.command("delete")
def delete_channel(name: Name, project: Owner = None, as_json: Json = False) -> None:
    """Delete a channel that no rule uses."""
    with told(as_json):
        connect(project).delete_channel(name)
    print_json({"deleted": name}) if as_json else out.print(f"{name} is deleted", markup=False)


@channel.command("test")
def try_channel(name: Name, project: Owner = None, as_json: Json = False) -> None:
    """Send a test message to a channel, and wait for what becomes of it."""
    with told(as_json):
        calls = connect(project)
        before = calls.channel(name)
        calls.test_channel(name)
        now = _waited_for(calls, name, before)
    delivered = now["delivered_at"] != before["delivered_at"]
    if as_json:
        print_json(now)
    elif delivered:
        out.print("delivered", markup=False)
    else:
        err.print(f"not delivered: {now['last_error'] or 'it still waits'}", markup=False)
    if not delivered:
        raise typer.Exit(FAILED)


@silence.command("add")
def add_silence(
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90m, 12h, 7d.")],
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=PATTERN", help="Such as rule=flaky or treatment=test*; may be repeated."),
    ] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why.")] = "",
    project: Owner = None,
    as_json: Json = False,
) -> None:
    """Silence alerts from now on, for a while."""
    labels = dict(_pair("--where", one) for one in where or [])
    ends_at = datetime.now(UTC) + timedelta(seconds=seconds_of(duration))
    with told(as_json):
        made = connect(project).create_silence(labels, ends_at.isoformat(), comment)
    print_json(made) if as_json else out.print(f"{made['id']} until {date_time(made['ends_at'])}", markup=False)


@silence.command("list")
def list_silences(as_json: Json = False) -> None:
    """List silences that are not over."""
    with told(as_json):
        found = connect().silences()
    if as_json:
        print_json(found)
        return
    print_table(
        ("PROJECT", "SILENCE", "WHERE", "FROM", "UNTIL", "BY", "WHY"),
        (
            (
                one["project"],
                one["id"],
                labels_text(one["where"]) or "everything",
                date_time(one["starts_at"]),
                date_time(one["ends_at"]),
                one["created_by"],
                one["comment"],
            )
            for one in found
        ),
    )


@silence.command("end")
def end_silence(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE")], project: Owner = None, as_json: Json = False
) -> None:
    """End a silence."""
    with told(as_json):
        connect(project).delete_silence(silence_id)
    print_json({"deleted": silence_id}) if as_json else out.print(f"{silence_id} has ended", markup=False)


def _waited_for(calls: Client, name: str, before: Any) -> Any:
    until = time.monotonic() + _TEST_SECONDS
    while True:
        now = calls.channel(name)
        tried_again = now["state"] == "failing" and now["retry_at"] != before["retry_at"]
        if now["delivered_at"] != before["delivered_at"] or tried_again or time.monotonic() >= until:
            return now
        time.sleep(_LOOK_EVERY)


def seconds_of(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise fail(f"{text!r} is no time: write 90m, 12h or 7d.", WRONG_USE)
    return int(number) * _UNITS[unit]


def labels_text(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items() if value)


def _setting(text: str) -> tuple[str, Any]:
    """What is no JSON is a text."""
    name, value = _pair("--setting", text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise fail(f"{option} wants NAME=VALUE, not {text!r}.", WRONG_USE)
    return name, value
