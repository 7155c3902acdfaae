"""The commands `alert rule`."""

import json
from typing import Annotated, Any

import typer
import yaml

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, seconds_of
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, ProjectOrAll, Yes
from cadence.cli.shared.output import date_time, err, labels_text, out, print_json, print_list, print_result

rule = typer.Typer(name="rule", help="Rules that open alerts.", no_args_is_help=True)

File = Annotated[str, typer.Argument(metavar="FILE", help="A rule as YAML or JSON; - reads standard input.")]


@rule.command("list")
def list_rules(as_json: Json = False) -> None:
    """List alert rules."""
    with reporting_errors(as_json):
        rules = connect().alert_rules()
    print_list(
        rules,
        ("PROJECT", "RULE", "CONDITION", "OPEN", "CHANNELS"),
        lambda one: (
            one["project"],
            one["name"],
            _condition(one["rule"]),
            one["open_alerts"],
            " ".join(one["rule"]["channels"]),
        ),
        as_json,
    )


@rule.command("show")
def show_rule(name: Name, project: ProjectOrAll = None, as_json: Json = False) -> None:
    """Print an alert rule as YAML."""
    with reporting_errors(as_json):
        stored = connect(project).alert_rule(name)
    if as_json:
        print_json(stored)
    else:
        print(yaml.safe_dump(stored["rule"], sort_keys=False, allow_unicode=True), end="")


@rule.command("create")
def create_rule(name: Name, file: File, project: ProjectOrAll = None, as_json: Json = False) -> None:
    """Create an alert rule, or replace it if it exists."""
    content = _read_rule(file)
    with reporting_errors(as_json):
        stored = connect(project).put_alert_rule(name, content)
    print_result(stored, f"Stored alert rule {name}.", as_json)


@rule.command("delete")
def delete_rule(name: Name, project: ProjectOrAll = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an alert rule and its alerts."""
    confirm_deletion(f"alert rule {name} and its alerts", yes)
    with reporting_errors(as_json):
        connect(project).delete_alert_rule(name)
    print_result({"deleted": name}, f"Deleted alert rule {name}.", as_json)


@rule.command("test")
def send_test_message(name: Name, project: ProjectOrAll = None, as_json: Json = False) -> None:
    """Send a test message to the channels of a rule.

    Does not wait for the delivery; `cadence alert channel list` shows it.
    """
    with reporting_errors(as_json):
        sent = connect(project).test_alert_rule(name)
    print_result(sent, f"Sending a test message to {', '.join(sent['channels'])}.", as_json)


@rule.command("dry-run")
def dry_run(
    file: File,
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far back: 90m, 12h, 7d.")] = "7d",
    project: ProjectOrAll = None,
    as_json: Json = False,
) -> None:
    """Show when a rule would have opened alerts in the past. Nothing is stored or sent."""
    content, seconds = _read_rule(file), seconds_of("--since", since)
    with reporting_errors(as_json):
        result = connect(project).dry_run(content, seconds)
    if as_json:
        print_json(result)
        return
    times = "once" if result["fired"] == 1 else f"{result['fired']} times"
    messages = sum(result["messages"].values())
    out.print(
        f"The rule would have fired {times} since {date_time(result['since'])} ({messages} messages to each channel, "
        f"{result['runs']} runs searched).",
        markup=False,
    )
    for one in result["alerts"]:
        until = f" until {date_time(one['closed_at'])}" if one["closed_at"] else ", still open"
        out.print(f"  {date_time(one['opened_at'])}{until}  {labels_text(one['labels'])}", markup=False)
        if one["sample"]:
            out.print(f"      {one['sample']['text'][:200]}", style="dim", markup=False)
    if not result["complete"]:
        err.print("The search stopped at its limit: earlier alerts are not shown.", style="dim")


def _read_rule(file: str) -> Any:
    try:
        content = yaml.safe_load(read_document(file))
    except yaml.YAMLError as error:
        raise fail(f"{file} is neither YAML nor JSON: {error}", WRONG_USE) from None
    if not isinstance(content, dict):
        raise fail(f"{file} is not an alert rule: it is not a mapping.", WRONG_USE)
    return content


def _condition(content: dict[str, Any]) -> str:
    ((kind, settings),) = content["when"].items()
    return f"{kind} {settings.get('query') or json.dumps(settings)}"
