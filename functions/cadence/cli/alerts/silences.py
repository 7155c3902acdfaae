"""The commands `alert silence`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, name_value_pairs, seconds_of
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, ProjectOrAll, Yes
from cadence.cli.shared.output import date_time, labels_text, print_list, print_result

silence = typer.Typer(
    name="silence", help="Silences: times during which alerts send no messages.", no_args_is_help=True
)


@silence.command("list")
def list_silences(as_json: Json = False) -> None:
    """List silences that have not ended."""
    with reporting_errors(as_json):
        silences = connect().silences()
    print_list(
        silences,
        ("PROJECT", "SILENCE", "WHERE", "FROM", "UNTIL", "BY", "COMMENT"),
        lambda one: (
            one["project"],
            one["id"],
            labels_text(one["where"]) or "all alerts",
            date_time(one["starts_at"]),
            date_time(one["ends_at"]),
            one["created_by_name"] or one["created_by"],
            one["comment"],
        ),
        as_json,
    )


@silence.command("create")
def create_silence(
    duration: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long: 90m, 12h, 7d.")],
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=PATTERN",
            help="Only alerts with this label, such as rule=flaky or treatment=test*; may be repeated.",
        ),
    ] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", help="The reason.")] = "",
    project: ProjectOrAll = None,
    as_json: Json = False,
) -> None:
    """Silence alerts from now on, for the given time."""
    labels = name_value_pairs("--where", where, "LABEL=PATTERN")
    ends_at = datetime.now(UTC) + timedelta(seconds=seconds_of("--for", duration))
    with reporting_errors(as_json):
        created = connect(project).create_silence(labels, ends_at.isoformat(), comment)
    print_result(created, f"Created silence {created['id']} until {date_time(created['ends_at'])}.", as_json)


@silence.command("delete")
def delete_silence(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE", help="The id of a silence.")],
    project: ProjectOrAll = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a silence. Alerts send messages again."""
    confirm_deletion(f"silence {silence_id}", yes)
    with reporting_errors(as_json):
        connect(project).delete_silence(silence_id)
    print_result({"deleted": silence_id}, f"Deleted silence {silence_id}.", as_json)
