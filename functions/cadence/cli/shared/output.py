"""Prints results: JSON for programs, tables on a terminal, plain lines elsewhere."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cadence.cli.shared.terminal import console, harmless

out = console()
err = console(stderr=True)

_wide = console(width=1_000)
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
_MOST_IN_A_LINE = 3
_OF_PARAMETERS = frozenset({"unknown-parameter", "bad-parameter", "missing-parameter"})
_LEVELS = {"error": "red", "critical": "red", "warning": "yellow", "warn": "yellow", "debug": "dim"}


def print_json(value: Any) -> None:
    """Prints `value` as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_line(value: Any) -> None:
    """Prints `value` as one line of JSON, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_result(value: Any, sentence: str, as_json: bool) -> None:
    """Prints what a command changed: as JSON, or as one sentence."""
    print_json(value) if as_json else out.print(sentence, markup=False)


def print_list(
    items: Iterable[Any], columns: Sequence[str], row: Callable[[Any], Sequence[Any]], as_json: bool
) -> None:
    """Prints items of the API: as JSON, or as a table with one row for each."""
    print_json(items) if as_json else print_table(columns, map(row, items))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints rows: aligned below a heading on a terminal, tab-separated without a heading elsewhere."""
    if not out.is_terminal:
        for row in rows:
            print("\t".join(_plain(cell) for cell in row))
        return
    out.print(make_table(columns, rows))


def print_section_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints a table that is part of a page: with its heading everywhere, and as wide as it needs outside a
    terminal.
    """
    (out if out.is_terminal else _wide).print(make_table(columns, rows))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table without lines; cells that are no Text are printed as they are, without markup.

    On a narrow terminal the first column stays whole: it names what other commands take.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else escape(_plain(cell)) for cell in row))
    return table


def state_text(state: str) -> Text:
    """The state in its colour."""
    return Text(state, _STYLES.get(state, ""))


def marked_end(text: str, end: str) -> Text:
    """The text with its end standing out."""
    return Text.assemble((text[: len(text) - len(end)], "dim"), (end, "bold"))


def treatment_state(treatment: Mapping[str, Any]) -> Text:
    """The state of a treatment in its colour; `(soft)` marks a failure that does not fail the run.

    A server of an earlier version has no soft failures.
    """
    return (
        Text(f"{treatment['state']} (soft)", "yellow")
        if treatment.get("soft_failed")
        else state_text(treatment["state"])
    )


def run_state(run: Mapping[str, Any]) -> Text:
    """The state of a run in its colour, with the number of failures that do not fail it."""
    count = run.get("soft_failures", 0)
    words = f" ({count} soft {'failure' if count == 1 else 'failures'})" if count else ""
    return Text.assemble(state_text(run["state"]), (words, "yellow"))


def print_findings(file: str, findings: Iterable[Mapping[str, Any]], console: Console = err) -> None:
    """Prints findings as compilers do: `file:line:column: error[code]: message`."""
    for finding in findings:
        in_file = finding.get("file") or file
        where = (
            f"{in_file}:{finding['line']}:{finding['column']}" if finding["line"] else f"{file}: {finding['pointer']}"
        )
        if not finding["line"] and finding["code"] in _OF_PARAMETERS:
            where = f"--param {finding['pointer'].rpartition('/')[2]}"
        severity = finding["severity"]
        text = Text.assemble(
            where, ": ", (f"{severity}[{finding['code']}]", _STYLES.get(severity, "")), f": {finding['message']}"
        )
        console.print(text)
        if finding.get("hint"):
            console.print(Text(f"    hint: {finding['hint']}", "dim"))


def print_line(line: Mapping[str, Any], console: Console = out, width: int = 0) -> None:
    """Prints a log line: its time, its treatment in `width` columns, its text."""
    head = Text(f"{clock_time(line['time'])} ", "dim")
    console.print(Text.assemble(head, (f"{line['treatment']:<{width}} | ", "blue"), line_text(line)))


def line_text(line: Mapping[str, Any]) -> Text:
    """The text of a log line in the colour of its level."""
    return Text(line["text"], _LEVELS.get(line.get("level", ""), ""))


def clock_time(moment: str | None) -> str:
    """An ISO 8601 time as local hours, minutes and seconds; `-` for none."""
    parsed = _parsed(moment)
    return parsed.astimezone().strftime("%H:%M:%S") if parsed else "-"


def date_time(moment: str | None) -> str:
    """An ISO 8601 time as local date and time; `-` for none."""
    parsed = _parsed(moment)
    return parsed.astimezone().strftime("%Y-%m-%d %H:%M:%S") if parsed else "-"


def duration(start: str | None, end: str | None) -> str:
    """The time from `start` to `end`, or to now without an end; `-` without a start."""
    started = _parsed(start)
    if started is None:
        return "-"
    return seconds_text(max(0.0, ((_parsed(end) or datetime.now(UTC)) - started).total_seconds()))


def seconds_text(seconds: float) -> str:
    """A number of seconds in the units in which people read it, such as `3.2 s` or `4 min 05 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(count: int) -> str:
    """A number of bytes in the unit in which people read it, such as `1.5 MiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def pairs_text(values: Mapping[str, Any], most: int | None = None) -> str:
    """Values as `name=value`, written as in a document; a list with more than `most` entries is counted."""
    return ", ".join(
        f"{name}={f'{len(value)} entries' if most and isinstance(value, list) and len(value) > most else _written(value)}"
        for name, value in sorted(values.items())
    )


def pairs_lines(values: Mapping[str, Any], most: int) -> list[str]:
    """Values as `pairs_text` writes them: in one line, or a line for each of more than three."""
    if len(values) > _MOST_IN_A_LINE:
        return [pairs_text({name: values[name]}, most) for name in sorted(values)]
    return [pairs_text(values, most)] if values else []


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are neither null nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as `name=value`, without empty ones."""
    return " ".join(f"{name}={value}" for name, value in labels.items() if value)


def cost_text(amount: float | None, currency: str | None) -> str:
    """An amount with its currency; empty for none."""
    return "" if amount is None else f"{amount:.4f} {currency}"


def parsed_time(moment: str) -> datetime:
    """The time that the API wrote in ISO 8601."""
    return datetime.fromisoformat(moment)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parsed(moment: str | None) -> datetime | None:
    return parsed_time(moment) if moment else None


def _plain(cell: Any) -> str:
    return "-" if cell is None else harmless(str(cell))
