"""Commands about alerts and their rules; those about channels and silences hang below them."""

import json
from typing import Annotated, Any

import typer
import yaml

from cadence.cli.alerts.channels import Name, Owner, channel, labels_text, seconds_of, silence
from cadence.cli.client.connection import connect
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import WRONG_USE, fail, told
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, err, out, print_json, print_table

alert = typer.Typer(name="alert", help="Alerts: rules, channels and silences.", no_args_is_help=True)
alert.add_typer(channel)
alert.add_typer(silence)

File = Annotated[str, typer.Argument(metavar="FILE", help="A rule as YAML or JSON; - for standard input.")]


@alert.command("list")
def list_alerts(
    state: Annotated[str | None, typer.Option(help="open or closed", show_default=False)] = None, as_json: Json = False
) -> None:
    """List alerts: those that are open first."""
    with told(as_json):
        found = connect().alerts(state)
    if as_json:
        print_json(found)
        return
    print_table(
        ("STATE", "RULE", "ABOUT", "SINCE", "OVER", "COUNT", "LAST"),
        (
            (
                "silenced" if one["silenced_until"] else one["state"],
                one["rule"],
                labels_text(one["labels"]),
                date_time(one["opened_at"]),
                date_time(one["closed_at"]),
                one["count"],
                one["sample"]["text"].splitlines()[0][:100] if one["sample"] and one["sample"]["text"] else None,
            )
            for one in found
        ),
    )


@alert.command("rules")
def list_rules(as_json: Json = False) -> None:
    """List alert rules."""
    with told(as_json):
        found = connect().alert_rules()
    if as_json:
        print_json(found)
        return
    print_table(
        ("PROJECT", "RULE", "LOOKS FOR", "OPEN", "CHANNELS"),
        (
            (
                one["project"],
                one["name"],
                _when(one["rule"]),
                one["open_alerts"],
                " ".join(one["rule"]["channels"]),
            )
            for one in found
        ),
    )


@alert.command("show")
def show_rule(name: Name, project: Owner = None, as_json: Json = False) -> None:
    """Print an alert rule."""
    with told(as_json):
        found = connect(project).alert_rule(name)
    print_json(found) if as_json else print(yaml.safe_dump(found["rule"], sort_keys=False, allow_unicode=True), end="")


@alert.command("set")
def set_rule(name: Name, file: File, project: Owner = None, as_json: Json = False) -> None:
    """Create or replace an alert rule."""
    rule = _read_rule(file)
    with told(as_json):
        stored = connect(project).put_alert_rule(name, rule)
    print_json(stored) if as_json else out.print(f"alert rule {name} is set", markup=False)


@alert.command("delete")
def delete_rule(name: Name, project: Owner = None, as_json: Json = False) -> None:
    """Delete an alert rule with its alerts."""
    with told(as_json):
        connect(project).delete_alert_rule(name)
    print_json({"deleted": name}) if as_json else out.print(f"{name} is deleted", markup=False)


@alert.command("test")
def try_rule(name: Name, project: Owner = None, as_json: Json = False) -> None:
    """Send a test message to a rule's channels.

    Does not wait; `cadence alert channel list` tells what became of it.
    """
    with told(as_json):
        sent = connect(project).test_alert_rule(name)
    print_json(sent) if as_json else out.print(f"a test message goes to: {', '.join(sent['channels'])}", markup=False)


@alert.command("dry-run")
def dry_run(
    file: File,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 90m, 12h, 7d.")] = "7d",
    project: Owner = None,
    as_json: Json = False,
) -> None:
    """Tell when a rule would have fired in the past. Nothing is stored or sent."""
    rule, seconds = _read_rule(file), seconds_of(since)
    with told(as_json):
        tried = connect(project).dry_run(rule, seconds)
    if as_json:
        print_json(tried)
        return
    times = "once" if tried["fired"] == 1 else f"{tried['fired']} times"
    messages = sum(tried["messages"].values())
    out.print(
        f"would have fired {times} since {date_time(tried['since'])} ({messages} messages to each channel, "
        f"{tried['runs']} runs looked at)",
        markup=False,
    )
    for one in tried["alerts"]:
        until = f" until {date_time(one['closed_at'])}" if one["closed_at"] else ", and still"
        out.print(f"  {date_time(one['opened_at'])}{until}  {labels_text(one['labels'])}", markup=False)
        if one["sample"]:
            out.print(f"      {one['sample']['text'][:200]}", style="dim", markup=False)
    if not tried["complete"]:
        err.print("There was more than one request can go through: what happened earlier is left out.", style="dim")


def _read_rule(file: str) -> Any:
    try:
        rule = yaml.safe_load(read_document(file))
    except yaml.YAMLError as error:
        raise fail(f"{file} is neither YAML nor JSON: {error}", WRONG_USE) from None
    if not isinstance(rule, dict):
        raise fail(f"{file} is no alert rule: it is not a mapping.", WRONG_USE)
    return rule


def _when(rule: dict[str, Any]) -> str:
    ((kind, given),) = rule["when"].items()
    return f"{kind} {given.get('query') or json.dumps(given)}"
