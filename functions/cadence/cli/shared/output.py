"""How things are printed: JSON for programs, tables on a terminal, plain lines elsewhere."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_wide = Console(width=1_000, highlight=False, soft_wrap=True)
_STYLES = {
    "succeeded": "green",
    "failed": "bold red",
    "lost": "bold red",
    "interrupted": "yellow",
    "timed_out": "bold red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "skipped": "dim",
    "running": "cyan",
    "booting": "cyan",
    "placing": "cyan",
    "error": "bold red",
    "warning": "yellow",
}
_LEVELS = {"error": "red", "critical": "red", "warning": "yellow", "warn": "yellow", "debug": "dim"}


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Aligned on a terminal; tab-separated, without a heading, elsewhere."""
    if not out.is_terminal:
        for row in rows:
            print("\t".join(_plain(cell) for cell in row))
        return
    out.print(make_table(columns, rows))


def print_part(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with its heading everywhere, as wide as it needs where it is no terminal: a part of what is shown, no listing."""
    (out if out.is_terminal else _wide).print(make_table(columns, rows))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else escape(_plain(cell)) for cell in row))
    return table


def state_text(state: str) -> Text:
    return Text(state, _STYLES.get(state, ""))


def print_findings(file: str, findings: Iterable[Mapping[str, Any]], console: Console = err) -> None:
    """Like a compiler: `file:line:column: error[code]: message`."""
    for finding in findings:
        where = f"{file}:{finding['line']}:{finding['column']}" if finding["line"] else f"{file}: {finding['pointer']}"
        severity = finding["severity"]
        text = Text.assemble(
            where, ": ", (f"{severity}[{finding['code']}]", _STYLES.get(severity, "")), f": {finding['message']}"
        )
        console.print(text)
        if finding.get("hint"):
            console.print(Text(f"    hint: {finding['hint']}", "dim"))


def print_line(line: Mapping[str, Any], console: Console = out, width: int = 0) -> None:
    """A log line: when, whose, what."""
    head = Text(f"{clock_time(line['time'])} ", "dim")
    console.print(Text.assemble(head, (f"{line['treatment']:<{width}} | ", "blue"), line_text(line)))


def line_text(line: Mapping[str, Any]) -> Text:
    """Its text, in the colour of its level."""
    return Text(line["text"], _LEVELS.get(line.get("level", ""), ""))


def clock_time(moment: str | None) -> str:
    parsed = _parsed(moment)
    return parsed.astimezone().strftime("%H:%M:%S") if parsed else "-"


def date_time(moment: str | None) -> str:
    parsed = _parsed(moment)
    return parsed.astimezone().strftime("%Y-%m-%d %H:%M:%S") if parsed else "-"


def duration(start: str | None, end: str | None) -> str:
    """From `start` to `end`, or to now if it has not ended; `-` if it has not started."""
    begun = _parsed(start)
    if begun is None:
        return "-"
    seconds = max(0.0, ((_parsed(end) or datetime.now(UTC)) - begun).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def size(count: int) -> str:
    """Bytes, in words."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def parsed_time(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _parsed(moment: str | None) -> datetime | None:
    return parsed_time(moment) if moment else None


def _plain(cell: Any) -> str:
    return "-" if cell is None else str(cell)
