"""Commands about kept data: what was set aside, how long a project's data is kept, and who asked for what."""

import base64
import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import date_time, out, print_json, print_table

aside = typer.Typer(
    name="aside",
    help="What could not be handled and was set aside: log segments and records, exports, messages of alerts.",
    no_args_is_help=True,
)
retention = typer.Typer(name="retention", help="How long a project's lines and values are kept.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `cadence aside list` names them.")]
Kind = Annotated[str | None, typer.Option(help="segment, record, export or message.", show_default=False)]
Of = Annotated[str | None, typer.Option("--project", "-p", help="Only of this project.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Everything, or everything of that kind or project.")]


@aside.command("list")
def list_aside(kind: Kind = None, project: Of = None, as_json: Json = False) -> None:
    """List what was set aside, the oldest first."""
    with told(as_json):
        found = connect().dead_letters(kind, project)
    if as_json:
        print_json(found)
        return
    print_table(
        ("ID", "PROJECT", "SINCE", "WHAT", "CAUSE"),
        ((one["id"], one["project"], date_time(one["at"]), one["what"], one["cause"]) for one in found),
    )


@aside.command("show")
def show_aside(
    aside_id: Annotated[str, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="Only what it holds, byte by byte.")] = False,
    as_json: Json = False,
) -> None:
    """Show one of them with what it holds (at most 64 KiB)."""
    with told(as_json):
        found = connect().dead_letter(aside_id)
    if as_json:
        print_json(found)
        return
    held = base64.b64decode(found["content"]) if found["encoding"] == "base64" else found["content"].encode()
    if raw:
        sys.stdout.buffer.write(held)
        return
    for name, value in (
        ("project", found["project"]),
        ("since", date_time(found["at"])),
        ("what", found["what"]),
        ("cause", found["cause"]),
    ):
        out.print(f"{name:<10}{value}", markup=False)
    print()
    print(found["content"] if found["encoding"] == "utf-8" else held.hex(" ", 2))


@aside.command("redrive")
def redrive(
    ids: Ids = None, everything: All = False, kind: Kind = None, project: Of = None, as_json: Json = False
) -> None:
    """Have them tried once more. What succeeds leaves the list within seconds; what fails again stays."""
    _each(ids, everything, kind, project, as_json, lambda client, one: client.redrive_dead_letter(one), "asked for")


@aside.command("discard")
def discard(
    ids: Ids = None, everything: All = False, kind: Kind = None, project: Of = None, as_json: Json = False
) -> None:
    """Remove them for good."""
    _each(ids, everything, kind, project, as_json, lambda client, one: client.discard_dead_letter(one), "discarded")


@retention.command("show")
def show_retention(project: Project = None, as_json: Json = False) -> None:
    """Show how many days a project's lines and values are kept."""
    with told(as_json):
        found = connect(project).retention()
    _print_retention(found, as_json)


@retention.command("set")
def set_retention(
    days: Annotated[str, typer.Argument(metavar="DAYS", help="A number of days; `default`: as the installation does.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Keep a project's lines and values for so many days after the end of their run.

    What is older is not found any more at once, and is removed for good within hours.
    """
    if not (days.isdecimal() or days == "default"):
        raise fail(f"DAYS is a number or `default`, not {days!r}.", WRONG_USE)
    with told(as_json):
        stored = connect(project).put_retention(None if days == "default" else int(days))
    _print_retention(stored, as_json)


def audit(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many entries.")] = 50, as_json: Json = False
) -> None:
    """Who asked for what, of all that has to be answered for. Newest first."""
    with told(as_json):
        found = connect().audit(limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("AT", "BY", "TOKEN", "ACTION", "TARGET"),
        ((date_time(one["at"]), one["by"], one["token"], one["action"], one["target"]) for one in found["items"]),
    )


def _each(
    ids: Iterable[str] | None,
    everything: bool,
    kind: str | None,
    project: str | None,
    as_json: bool,
    act: Callable[[Any, str], Any],
    word: str,
) -> None:
    named = list(ids or ())
    if bool(named) == everything:
        raise fail("Name what is meant, or say --all.", WRONG_USE)
    with told(as_json):
        client = connect()
        if everything:
            named = [one["id"] for one in client.dead_letters(kind, project)]
        for one in named:
            act(client, one)
    print_json({"ids": named}) if as_json else out.print(f"{len(named)} {word}", markup=False)


def _print_retention(retention: Any, as_json: bool) -> None:
    if as_json:
        print_json(retention)
        return
    set_for = "set for the project" if retention["own"] else "as the installation does"
    out.print(f"{retention['days']} days ({set_for}; {retention['longest']} at most)", markup=False)
