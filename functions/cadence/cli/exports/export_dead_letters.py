"""The commands `export dead-letter`."""

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name
from cadence.cli.shared.output import date_time, print_list, print_result

dead_letter = typer.Typer(name="dead-letter", help="Dead letters of one export.", no_args_is_help=True)


@dead_letter.command("list")
def list_dead_letters(name: Name, as_json: Json = False) -> None:
    """List deliveries that the receiver refused for good, or did not accept within a day."""
    with reporting_errors(as_json):
        letters = connect().export_dead_letters(name)
    print_list(
        letters,
        ("SINCE", "WHAT", "CAUSE"),
        lambda one: (date_time(one["since"]), one["event"] or "metrics", one["error"]),
        as_json,
    )


@dead_letter.command("redrive")
def redrive_dead_letters(name: Name, as_json: Json = False) -> None:
    """Deliver all dead letters of an export again."""
    with reporting_errors(as_json):
        result = connect().redrive_export(name)
    count = result["redriven"]
    print_result(result, f"Redriving {count} dead letter{'s' * (count != 1)}.", as_json)
