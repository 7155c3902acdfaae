"""Commands about exports, and what runs cost."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import date_time, out, print_json, print_table

export = typer.Typer(
    name="export",
    help="Exports: logs, metrics and traces sent to Prometheus, Loki, Datadog or OTLP.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME")]

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@export.command("set")
def set_export(
    name: Name,
    kind: Annotated[str, typer.Option(help="prometheus_remote_write, loki, datadog or otlp")],
    url: Annotated[str, typer.Option(help="Where its push API is.")],
    signal: Annotated[
        list[str] | None, typer.Option(help="logs, metrics or traces; all that the kind takes by default.")
    ] = None,
    project: Annotated[
        list[str] | None, typer.Option("--project", "-p", help="Only of this project; may be repeated.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Added to all that is sent; may be repeated.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Sent with each request, such as X-Scope-OrgID; never a secret."),
    ] = None,
    basic: Annotated[
        str | None,
        typer.Option(metavar="USER", help="A user, whose password is asked for or read from standard input."),
    ] = None,
    bearer: Annotated[
        bool, typer.Option("--bearer", help="A token is asked for, or read from standard input.")
    ] = False,
    api_key: Annotated[
        bool, typer.Option("--api-key", help="Datadog's API key is asked for, or read from standard input.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Keep it, but send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Create or replace an export. Credentials that it had are kept unless others are given."""
    body: dict[str, Any] = {
        "kind": kind,
        "url": url,
        "signals": signal or None,
        "projects": project or None,
        "labels": _pairs("--label", label),
        "headers": _pairs("--header", header),
        "enabled": not off,
    }
    if sum((basic is not None, bearer, api_key)) > 1:
        raise fail("Give one of --basic, --bearer and --api-key.", WRONG_USE)
    if basic is not None:
        body["credentials"] = {"scheme": "basic", "user": basic, "secret": _secret(f"the password of {basic}")}
    elif bearer or api_key:
        scheme = "bearer" if bearer else "api_key"
        body["credentials"] = {"scheme": scheme, "secret": _secret("the token" if bearer else "the API key")}
    with told(as_json):
        stored = connect().put_export(name, body)
    if as_json:
        print_json(stored)
    else:
        out.print(f"{name} sends {', '.join(stored['signals'])} to {stored['url']}", markup=False)


@export.command("list")
def list_exports(as_json: Json = False) -> None:
    """List exports, and how each fares."""
    with told(as_json):
        found = connect().exports()
    if as_json:
        print_json(found)
        return
    print_table(
        ("EXPORT", "KIND", "SIGNALS", "PROJECTS", "STATE", "PENDING", "DEAD", "LAST DELIVERY"), map(_row, found)
    )


@export.command("show")
def show_export(name: Name, as_json: Json = False) -> None:
    """Show an export, and why it fails if it does."""
    with told(as_json):
        found = connect().export(name)
    if as_json:
        print_json(found)
        return
    standing = found["standing"]
    out.print(f"{found['name']}  {found['kind']}  {found['url']}", markup=False)
    credentials = found["credentials"]["scheme"] if found["credentials"] else "none"
    for what, value in (
        ("signals", ", ".join(found["signals"])),
        ("projects", ", ".join(found["projects"])),
        ("labels", ", ".join(f"{key}={text}" for key, text in found["labels"].items()) or "none"),
        ("credentials", credentials),
        ("state", _state(found)),
        ("last delivery", date_time(standing["delivered_at"])),
        ("pending", standing["pending"]),
        ("dead letters", standing["dead"]),
    ):
        out.print(f"  {what:<14}{value}", markup=False)
    if standing["failing"]:
        out.print(f"  failing since {date_time(standing['failing_since'])}: {standing['error']}", markup=False)
        out.print(f"  next try {date_time(standing['retry_at'])}", markup=False)


@export.command("delete")
def delete_export(name: Name, as_json: Json = False) -> None:
    """Delete an export, and what was still to be delivered."""
    with told(as_json):
        connect().delete_export(name)
    print_json({"deleted": name}) if as_json else out.print(f"{name} is deleted", markup=False)


@export.command("test")
def try_export(name: Name, as_json: Json = False) -> None:
    """Send one line, figure and span, and tell what the receiver answered."""
    with told(as_json):
        tried = connect().test_export(name)
    if as_json:
        print_json(tried)
    else:
        for signal, words in tried["answers"].items():
            out.print(f"{signal:<9}{words}", markup=False)
    if not tried["ok"]:
        raise typer.Exit(FAILED)


@export.command("dead")
def dead_letters(name: Name, as_json: Json = False) -> None:
    """List what the receiver refused for good, or did not take for a day."""
    with told(as_json):
        found = connect().export_dead_letters(name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("SINCE", "WHAT", "WHY"),
        ((date_time(one["since"]), one["event"] or "metrics", one["error"]) for one in found),
    )


@export.command("redrive")
def redrive(name: Name, as_json: Json = False) -> None:
    """Try the dead letters once more."""
    with told(as_json):
        done = connect().redrive_export(name)
    print_json(done) if as_json else out.print(f"{done['redriven']} are tried again", markup=False)


@export.command("backfill")
def backfill(
    name: Name,
    since: Annotated[
        str, typer.Option(help="A time with its zone (2026-03-01T12:00:00Z), or how long ago: 30m, 6h, 7d.")
    ],
    until: Annotated[str | None, typer.Option(help="Likewise; now by default.", show_default=False)] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="logs or traces; all that the export sends by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send what is stored of a time range once more."""
    body = {"since": _time(since), "until": _time(until) if until else None, "signals": signal or None}
    with told(as_json):
        started = connect().start_backfill(name, body)
    print_json(started) if as_json else out.print(f"back-fill {started['backfill_id']} has begun", markup=False)


@export.command("backfills")
def list_backfills(name: Name, as_json: Json = False) -> None:
    """List the back-fills of an export."""
    with told(as_json):
        found = connect().backfills(name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("BACK-FILL", "STATE", "SINCE", "UNTIL", "RUNS", "LINES", "SPANS", "POINTS", "PROBLEM"),
        (
            (
                one["backfill_id"],
                one["state"],
                date_time(one["since"]),
                date_time(one["until"]),
                one["runs"],
                one["lines"],
                one["spans"],
                one["points"],
                one["error"],
            )
            for one in found
        ),
    )


def cost(run_id: Run, as_json: Json = False) -> None:
    """What the runners of a run cost, by treatment.

    Only pools that have a price count.
    """
    with told(as_json):
        found = connect().cost(run_id)
    if as_json:
        print_json(found)
        return
    print_table(
        ("TREATMENT", "POOL", "ATTEMPTS", "SECONDS", "AN HOUR", "COST"),
        (
            (
                one["treatment"],
                one["pool"],
                one["attempts"],
                f"{one['seconds']:.1f}",
                f"{one['per_hour']:g}",
                f"{one['amount']:.6f} {one['currency']}",
            )
            for one in found["treatments"]
        ),
    )
    for total in found["totals"]:
        out.print(f"total {total['amount']:.6f} {total['currency']}", markup=False)
    if not found["totals"]:
        out.print("nothing that has a price has ended", markup=False)


def _row(one: Any) -> Sequence[Any]:
    standing = one["standing"]
    return (
        one["name"],
        one["kind"],
        " ".join(one["signals"]),
        " ".join(one["projects"]),
        _state(one),
        standing["pending"],
        standing["dead"],
        date_time(standing["delivered_at"]),
    )


def _state(one: Any) -> str:
    if not one["enabled"]:
        return "off"
    return "failing" if one["standing"]["failing"] else "ok"


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise fail(f"{option} is NAME=VALUE, not {text!r}.", WRONG_USE)
        pairs[name] = value
    return pairs


def _time(text: str) -> str:
    """As the API wants it; also `6h` for six hours ago."""
    amount, unit = text[:-1], text[-1:]
    if amount.isdecimal() and unit in _UNITS:
        return (datetime.now(UTC) - timedelta(**{_UNITS[unit]: int(amount)})).isoformat()
    return text


def _secret(what: str) -> str:
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {what}", hide_input=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise fail("The value is empty.", WRONG_USE)
    return value
