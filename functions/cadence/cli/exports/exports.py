"""The commands `export`; those about dead letters and back-fills are groups below it."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.exports.backfills import backfill
from cadence.cli.exports.export_dead_letters import dead_letter
from cadence.cli.shared.arguments import confirm_deletion, name_value_pairs, prompt_secret
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

export = typer.Typer(
    name="export",
    help="Exports: logs, metrics, traces and the audit log sent to Prometheus, Loki, Datadog, OTLP or CloudEvents.",
    no_args_is_help=True,
)
export.add_typer(dead_letter)
export.add_typer(backfill)


@export.command("list")
def list_exports(as_json: Json = False) -> None:
    """List exports and their delivery status."""
    with reporting_errors(as_json):
        exports = connect().exports()
    columns = ("EXPORT", "KIND", "SIGNALS", "PROJECTS", "STATE", "PENDING", "DEAD LETTERS", "LAST DELIVERY")
    print_list(exports, columns, _row, as_json)


@export.command("show")
def show_export(name: Name, as_json: Json = False) -> None:
    """Show an export and its delivery status."""
    with reporting_errors(as_json):
        stored = connect().export(name)
    if as_json:
        print_json(stored)
        return
    standing = stored["standing"]
    out.print(f"{stored['name']}  {stored['kind']}  {stored['url']}", markup=False)
    for label, value in (
        ("signals", ", ".join(stored["signals"])),
        ("projects", ", ".join(stored["projects"])),
        ("labels", ", ".join(f"{key}={text}" for key, text in stored["labels"].items()) or "none"),
        ("credentials", stored["credentials"]["scheme"] if stored["credentials"] else "none"),
        ("state", _state(stored)),
        ("last delivery", date_time(standing["delivered_at"])),
        ("pending", standing["pending"]),
        ("dead letters", standing["dead"]),
    ):
        out.print(f"  {label:<14}{value}", markup=False)
    if standing["failing"]:
        out.print(f"  failing since {date_time(standing['failing_since'])}: {standing['error']}", markup=False)
        if standing["retry_at"]:
            out.print(f"  next attempt {date_time(standing['retry_at'])}", markup=False)
        else:
            redrive = f"cadence export dead-letter redrive {name}"
            out.print(f"  The receiver refuses for good. Correct the export, then run `{redrive}`.", markup=False)


@export.command("create")
def create_export(
    name: Name,
    kind: Annotated[str, typer.Option(help="prometheus_remote_write, loki, datadog, otlp or cloudevents")],
    url: Annotated[str, typer.Option(help="Address of the receiver's push API.")],
    signal: Annotated[
        list[str] | None,
        typer.Option(help="logs, metrics, traces or audit (default: all that the kind supports); may be repeated."),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option("--project", "-p", help="Only data of this project (default: all); may be repeated."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A label added to all data; may be repeated.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A header of each request, such as X-Scope-OrgID; never a secret. May be repeated.",
        ),
    ] = None,
    basic: Annotated[
        str | None,
        typer.Option(
            metavar="USER", help="Authenticate as this user; the password is asked for, or read from standard input."
        ),
    ] = None,
    bearer: Annotated[
        bool,
        typer.Option("--bearer", help="Authenticate with a token; it is asked for, or read from standard input."),
    ] = False,
    api_key: Annotated[
        bool,
        typer.Option(
            "--api-key", help="Authenticate with Datadog's API key; it is asked for, or read from standard input."
        ),
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Store the export, but send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Create an export, or replace it if it exists.

    An existing export keeps its credentials unless new ones are given.
    """
    body: dict[str, Any] = {
        "kind": kind,
        "url": url,
        "signals": signal or None,
        "projects": project or None,
        "labels": name_value_pairs("--label", label),
        "headers": name_value_pairs("--header", header),
        "enabled": not off,
    }
    if sum((basic is not None, bearer, api_key)) > 1:
        raise fail("Give at most one of --basic, --bearer and --api-key.", WRONG_USE)
    if basic is not None:
        secret = prompt_secret(f"the password of {basic}")
        body["credentials"] = {"scheme": "basic", "user": basic, "secret": secret}
    elif bearer or api_key:
        secret = prompt_secret("the token" if bearer else "the API key")
        body["credentials"] = {"scheme": "bearer" if bearer else "api_key", "secret": secret}
    with reporting_errors(as_json):
        stored = connect().put_export(name, body)
    print_result(stored, f"Stored export {name}: {', '.join(stored['signals'])} to {stored['url']}.", as_json)


@export.command("delete")
def delete_export(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an export and its pending deliveries."""
    confirm_deletion(f"export {name} and its pending deliveries", yes)
    with reporting_errors(as_json):
        connect().delete_export(name)
    print_result({"deleted": name}, f"Deleted export {name}.", as_json)


@export.command("test")
def send_test_data(name: Name, as_json: Json = False) -> None:
    """Send one line, figure and span, and print the receiver's answers."""
    with reporting_errors(as_json):
        result = connect().test_export(name)
    if as_json:
        print_json(result)
    else:
        for signal, answer in result["answers"].items():
            out.print(f"{signal:<9}{answer}", markup=False)
    if not result["ok"]:
        raise typer.Exit(FAILED)


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
