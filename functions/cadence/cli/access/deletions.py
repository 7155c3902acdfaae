"""What the commands that delete projects and organizations share."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.output import date_time, err, print_list, print_result, print_table, size

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")]
WithoutAsking = Annotated[bool, typer.Option("--yes", help="Delete it without asking for its name.")]
DeletionId = Annotated[str, typer.Argument(metavar="DELETION", help="The id of a deletion.")]

Counts = Mapping[str, Any]


def confirmed(
    thing: str, name: str, count: Callable[[str], Counts], *, dry_run: bool, yes: bool, as_json: bool
) -> bool:
    """Prints what deleting a thing would remove, and asks for its name; returns False after a dry run.

    `thing` is `project` or `organization`. With `yes`, neither counts nor asks.
    """
    if yes and not dry_run:
        return True
    with reporting_errors(as_json):
        found = count(name)
    if dry_run:
        print_result(found, _sentence(thing, name, found), as_json)
        return False
    if not sys.stdin.isatty():
        raise fail(f"Deleting {name} has to be confirmed: add --yes, or try --dry-run first.", WRONG_USE)
    err.print(_sentence(thing, name, found), markup=False, highlight=False)
    if typer.prompt(f"Type the {thing}'s name to delete it for good", err=True) != name:
        raise fail(f"That is not the {thing}'s name. Nothing was deleted.", WRONG_USE)
    return True


def print_deletions(deletions: Sequence[Mapping[str, Any]], thing: str, as_json: bool) -> None:
    """Prints the records of deletions, one line for each."""
    heads = ("DELETION", thing.upper(), "STATE", "REQUESTED", "BY", "FINISHED")
    print_list(deletions, heads, lambda one: _row(one, thing), as_json)


def print_deletion(found: Mapping[str, Any], thing: str) -> None:
    """Prints the record of a deletion, with what it removed."""
    print_deletions([found], thing, as_json=False)
    print_table(("REMOVED", "NUMBER"), [(kind, _amount(kind, number)) for kind, number in found["removed"].items()])
    for sentence in found["remains"]:
        err.print(sentence, markup=False, highlight=False)


def _row(one: Mapping[str, Any], thing: str) -> tuple[Any, ...]:
    times = date_time(one["requested_at"]), one["requested_by"], date_time(one["finished_at"])
    return one["id"], one[thing], one["state"], *times


def _sentence(thing: str, name: str, found: Mapping[str, Any]) -> str:
    if not found["counts"]:
        return f"{thing.capitalize()} {name} holds nothing."
    amounts = ", ".join(f"{_amount(kind, number)} {_kind(kind)}" for kind, number in found["counts"].items())
    bound = "" if found["complete"] else "at least (there was no time to count everything) "
    return f"Deleting {thing} {name} removes {bound}{amounts}."


def _amount(kind: str, number: int) -> str:
    return size(number) if kind == "bytes" else f"{number:,}"


def _kind(kind: str) -> str:
    return "of objects" if kind == "bytes" else kind
