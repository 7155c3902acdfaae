"""The command `search`: searches, counts or follows the log lines of all runs."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import seconds_of
from cadence.cli.shared.errors import INTERRUPTED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, line_text, out, print_json, print_json_line, print_table
from cadence.cli.shared.pager import paged

COUNTED = ("organization", "project", "pipeline", "run", "treatment", "runner", "pool", "stream", "level")
"""The fields by which lines are counted. Repeated here so that the command starts without importing the domain."""

_PAGE = 1_000
_BEFORE_FOLLOWING = 10

_WORDS = re.compile(r"\w[^\s\"()/:]*(?: +\w[^\s\"()/:]*)+")
_OPERATORS = {"AND", "OR", "NOT"}

Line = Mapping[str, Any]


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...", help="A query; docs/search.md describes the language.", show_default=False
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Only lines of this project.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="The most lines to print.", show_default="100")
    ] = None,
    count_by: Annotated[
        str | None,
        typer.Option(
            "--count-by",
            metavar="FIELD",
            help="Count lines by this field, or by each of several, separated by commas.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="DURATION", help="Count lines by interval: 5m, 1h, 1d.", show_default=False),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print the last lines, then new ones.")] = False,
    as_json: Json = False,
) -> None:
    """Search the log lines of all runs, or count them.

    Example: level:error treatment:build since:2h "connection refused". The newest line comes first. A query consists of
    words,
    "phrases", prefixes*, /regular expressions/, field:value, NOT, OR and brackets. --follow --json prints one object
    per line.
    """
    text = " ".join(_restore_quotes(query or []))
    counting = count_by is not None or every is not None
    if follow and counting:
        raise fail("--follow cannot be combined with --count-by or --every.", WRONG_USE)
    if unknown := [one for one in (count_by.split(",") if count_by is not None else ()) if one not in COUNTED]:
        raise fail(f"--count-by takes fields out of {', '.join(COUNTED)}, not {unknown[0]!r}.", WRONG_USE)
    with reporting_errors(as_json):
        client = connect()
        if counting:
            interval = None if every is None else seconds_of("--every", every)
            _count(client, text, count_by, interval, project, as_json)
        elif follow:
            _follow(client, text, project, limit or _BEFORE_FOLLOWING, as_json)
        else:
            with paged(not as_json):
                _search(client, text, project, limit or 100, as_json)


def _search(client: Client, text: str, project: str | None, limit: int, as_json: bool) -> None:
    lines: list[Line] = []
    cursor, reached = None, None
    while len(lines) < limit:
        page = client.search_logs(text, min(limit - len(lines), _PAGE), project, cursor)
        lines += page["lines"]
        if not as_json:
            _print_lines(page["lines"])
        cursor, reached = page["next"], page["reached"]
        if cursor is None:
            break
    if as_json:
        print_json({"lines": lines, "next": cursor, "reached": reached})
    elif not lines:
        out.print("No line matches.", style="dim")
    elif cursor:
        out.print(
            f"There may be more lines before {date_time(reached)}: raise --limit, or search with until:.", style="dim"
        )


def _follow(client: Client, text: str, project: str | None, limit: int, as_json: bool) -> None:
    """Takes the position before the search, so that no line is missed in between; lines in both are printed once."""
    from cadence.cli.search.live_lines import LiveLines  # slow to import, needed here only

    position = client.live_logs(text, project=project)["after"]
    before = client.search_logs(text, min(limit, _PAGE), project)["lines"]
    printed = {_line_key(line) for line in before}
    _print(reversed(before), as_json)
    try:
        for lines in LiveLines(client=client, query=text, project=project, after=position):
            _print((line for line in lines if _line_key(line) not in printed), as_json)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _count(client: Client, text: str, by: str | None, interval: int | None, project: str | None, as_json: bool) -> None:
    found = client.count_logs(text, by, interval, project)
    if as_json:
        print_json(found)
        return
    if by and "," in by:
        rows = [[count["field"], count["value"] or "-", count["lines"]] for count in found["counts"]]
        print_table(["FIELD", "VALUE", "LINES"], rows)
    else:
        columns = [name for name, wanted in (("TIME", interval), (by or "", by), ("LINES", True)) if wanted]
        print_table([column.upper() for column in columns], [_row(count, by, interval) for count in found["counts"]])
    if not found["complete"]:
        out.print("The search stopped at its limit: the counts are lower bounds.", style="yellow")


def _row(count: Mapping[str, Any], by: str | None, interval: int | None) -> list[Any]:
    return [
        *([date_time(count["start"])] if interval else []),
        *([count["value"] or "-"] if by else []),
        count["lines"],
    ]


def _print(lines: Iterable[Line], as_json: bool) -> None:
    if not as_json:
        _print_lines(lines)
        return
    for line in lines:
        print_json_line(line)


def _print_lines(lines: Iterable[Line]) -> None:
    for line in lines:
        day = Text(f"{date_time(line['time'])} ", "dim")
        out.print(Text.assemble(day, (line["run"], "cyan"), " ", (f"{line['treatment']} | ", "blue"), line_text(line)))


def _line_key(line: Line) -> tuple[str, int, int]:
    return line["run"], line["segment"], line["index"]


def _restore_quotes(arguments: list[str]) -> list[str]:
    """Puts back the quotes that the shell removed: an argument with spaces beside others is a phrase; alone it is the
    query.
    """
    if len(arguments) < 2:
        return arguments
    return [f'"{one}"' if _WORDS.fullmatch(one) and not _OPERATORS & set(one.split()) else one for one in arguments]
