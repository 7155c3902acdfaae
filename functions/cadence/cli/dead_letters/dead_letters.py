"""The commands `dead-letter`."""

import base64
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, OnlyProject, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result
from cadence.cli.shared.terminal import harmless

dead_letter = typer.Typer(
    name="dead-letter",
    help="Dead letters: log segments, records, exports and messages of alerts that could not be processed.",
    no_args_is_help=True,
)

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, as `cadence dead-letter list` prints them.")
]
Kind = Annotated[str | None, typer.Option(help="segment, record, export or message", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All dead letters, or all of the given kind and project.")]


@dead_letter.command("list")
def list_dead_letters(kind: Kind = None, project: OnlyProject = None, as_json: Json = False) -> None:
    """List dead letters, oldest first."""
    with reporting_errors(as_json):
        letters = connect().dead_letters(kind, project)
    print_list(
        letters,
        ("ID", "PROJECT", "SINCE", "WHAT", "CAUSE"),
        lambda one: (one["id"], one["project"], date_time(one["at"]), one["what"], one["cause"]),
        as_json,
    )


@dead_letter.command("show")
def show_dead_letter(
    dead_letter_id: Annotated[str, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Print the bytes of its content only.")] = False,
    as_json: Json = False,
) -> None:
    """Show a dead letter and its content (at most 64 KiB)."""
    with reporting_errors(as_json):
        letter = connect().dead_letter(dead_letter_id)
    if as_json:
        print_json(letter)
        return
    content = base64.b64decode(letter["content"]) if letter["encoding"] == "base64" else letter["content"].encode()
    if raw:
        sys.stdout.buffer.write(content)
        return
    for name, value in (
        ("project", letter["project"]),
        ("since", date_time(letter["at"])),
        ("what", letter["what"]),
        ("cause", letter["cause"]),
    ):
        out.print(f"{name:<10}{value}", markup=False)
    print()
    print(harmless(letter["content"]) if letter["encoding"] == "utf-8" else content.hex(" ", 2))


@dead_letter.command("redrive")
def redrive_dead_letters(
    ids: Ids = None, everything: All = False, kind: Kind = None, project: OnlyProject = None, as_json: Json = False
) -> None:
    """Process dead letters again. Those that succeed leave the list within seconds; those that fail again stay."""
    changed = _change_each(ids, everything, kind, project, as_json, Client.redrive_dead_letter)
    print_result({"ids": changed}, f"Redriving {_count(changed)}.", as_json)


@dead_letter.command("discard")
def discard_dead_letters(
    ids: Ids = None,
    everything: All = False,
    kind: Kind = None,
    project: OnlyProject = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove dead letters for good."""
    confirm_deletion("all dead letters that were selected" if everything else _count(ids or ()), yes)
    changed = _change_each(ids, everything, kind, project, as_json, Client.discard_dead_letter)
    print_result({"ids": changed}, f"Discarded {_count(changed)}.", as_json)


def _change_each(
    ids: Iterable[str] | None,
    everything: bool,
    kind: str | None,
    project: str | None,
    as_json: bool,
    change: Callable[[Client, str], Any],
) -> list[str]:
    """Calls `change` for the dead letters named, or for all that match; returns their ids."""
    chosen = list(ids or ())
    if bool(chosen) == everything:
        raise fail("Give either IDs or --all.", WRONG_USE)
    with reporting_errors(as_json):
        client = connect()
        if everything:
            chosen = [one["id"] for one in client.dead_letters(kind, project)]
        for dead_letter_id in chosen:
            change(client, dead_letter_id)
    return chosen


def _count(ids: Sequence[str]) -> str:
    return f"{len(ids)} dead letter{'s' * (len(ids) != 1)}"
