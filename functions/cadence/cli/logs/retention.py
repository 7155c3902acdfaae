"""The commands `retention`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import print_result

retention = typer.Typer(
    name="retention", help="How long a project's log lines and values are kept.", no_args_is_help=True
)


@retention.command("show")
def show_retention(project: Project = None, as_json: Json = False) -> None:
    """Show how many days a project's log lines and values are kept."""
    with reporting_errors(as_json):
        current = connect(project).retention()
    _print_retention(current, as_json)


@retention.command("set")
def set_retention(
    days: Annotated[
        str, typer.Argument(metavar="DAYS", help="A number of days, or `default` for the setting of the installation.")
    ],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Set how many days after the end of their run a project's log lines and values are kept.

    Older data can no longer be found at once, and is removed for good within hours.
    """
    if not (days.isdecimal() or days == "default"):
        raise fail(f"DAYS is a number or `default`, not {days!r}.", WRONG_USE)
    with reporting_errors(as_json):
        stored = connect(project).put_retention(None if days == "default" else int(days))
    _print_retention(stored, as_json)


def _print_retention(setting: Any, as_json: bool) -> None:
    origin = "set for the project" if setting["own"] else "the setting of the installation"
    held = f"; {setting['holds']} legal holds are on (`cadence project holds`)" if setting["holds"] else ""
    print_result(setting, f"{setting['days']} days ({origin}; at most {setting['longest']}){held}", as_json)
