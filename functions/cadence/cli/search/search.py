"""The command that searches log lines of all runs, and follows those that come."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, told
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, line_text, out, print_json, print_table

_PAGE = 1_000
_BEFORE_FOLLOWING = 10
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

_WORDS = re.compile(r"\w[^\s\"()/:]*(?: +\w[^\s\"()/:]*)+")
_OPERATORS = {"AND", "OR", "NOT"}

Line = Mapping[str, Any]


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUERY]...", help="What to look for; docs/search.md has it all.", show_default=False),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Only lines of this project.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="At most so many lines.", show_default="100")
    ] = None,
    count_by: Annotated[
        str | None, typer.Option("--count-by", metavar="FIELD", help="Count by this field.", show_default=False)
    ] = None,
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="TIME", help="Count by intervals: 5m, 1h, 1d.", show_default=False),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show the last lines, then those that come.")] = False,
    as_json: Json = False,
) -> None:
    """Search the log lines of all runs, or count them.

    For example: level:error treatment:build since:2h "connection refused". The newest line comes first. Words, "phrases",
    beginnings*, /regular expressions/, field:value, NOT, OR and brackets are possible. With --follow --json, one object a line.
    """
    text = " ".join(_requoted(query or []))
    counting = count_by is not None or every is not None
    if follow and counting:
        raise fail("Either count lines or follow them.", WRONG_USE)
    with told(as_json):
        client = connect()
        if counting:
            _count(client, text, count_by, _seconds(every), project, as_json)
        elif follow:
            _follow(client, text, project, limit or _BEFORE_FOLLOWING, as_json)
        else:
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
        out.print(f"There may be more before {date_time(reached)}; ask for it with --limit or until:.", style="dim")


def _follow(client: Client, text: str, project: str | None, limit: int, as_json: bool) -> None:
    """The position is taken before the search, so that no line is missed in between; those in both are told once."""
    from cadence.cli.search.live_lines import LiveLines  # slow to import, and needed here only

    position = client.live_logs(text, project=project)["after"]
    before = client.search_logs(text, min(limit, _PAGE), project)["lines"]
    known = {_place(line) for line in before}
    _tell(reversed(before), as_json)
    try:
        for lines in LiveLines(client, text, project, position):
            _tell((line for line in lines if _place(line) not in known), as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _count(client: Client, text: str, by: str | None, interval: int | None, project: str | None, as_json: bool) -> None:
    found = client.count_logs(text, by, interval, project)
    if as_json:
        print_json(found)
        return
    columns = [name for name, wanted in (("TIME", interval), (by or "", by), ("LINES", True)) if wanted]
    print_table([column.upper() for column in columns], [_row(count, by, interval) for count in found["counts"]])
    if not found["complete"]:
        out.print("There was more to look at than one request allows: these are lower bounds.", style="yellow")


def _row(count: Mapping[str, Any], by: str | None, interval: int | None) -> list[Any]:
    return [
        *([date_time(count["start"])] if interval else []),
        *([count["value"] or "-"] if by else []),
        count["lines"],
    ]


def _tell(lines: Iterable[Line], as_json: bool) -> None:
    if not as_json:
        _print_lines(lines)
        return
    for line in lines:
        print(json.dumps(line, ensure_ascii=False), flush=True)


def _print_lines(lines: Iterable[Line]) -> None:
    for line in lines:
        day = Text(f"{date_time(line['time'])} ", "dim")
        out.print(Text.assemble(day, (line["run"], "cyan"), " ", (f"{line['treatment']} | ", "blue"), line_text(line)))


def _place(line: Line) -> tuple[str, int, int]:
    return line["run"], line["segment"], line["index"]


def _requoted(arguments: list[str]) -> list[str]:
    """Beside other arguments, one with spaces was a phrase whose quotes the shell has taken off; alone, it is the query."""
    if len(arguments) < 2:
        return arguments
    return [f'"{one}"' if _WORDS.fullmatch(one) and not _OPERATORS & set(one.split()) else one for one in arguments]


def _seconds(every: str | None) -> int | None:
    if every is None:
        return None
    match = re.fullmatch(r"(\d{1,6})([smhdw])", every)
    if not match or not int(match[1]):
        raise fail(f"--every takes a time such as 30s, 5m, 1h or 1d; not {every!r}.", WRONG_USE)
    return int(match[1]) * _UNITS[match[2]]
