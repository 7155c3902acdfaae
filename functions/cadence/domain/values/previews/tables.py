"""Recognizes tables in text: separated values with a heading, and JSON objects that have members in common."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_MOST_COLUMNS = 20
_MOST_ROWS = 50
_LONGEST_CELL = 200
_SEPARATORS = {"\t": "text/tab-separated-values", ",": "text/csv", ";": "text/csv", "|": "text/csv"}
# A heading consists of names: a comma in a sentence is followed by a space.
_HEADING = re.compile(r"\S(?:.{0,38}\S)?")


@dataclass(frozen=True)
class Table:
    """The columns' names and the rows of a table, each cell as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    media_type: str = "application/json"


def table_of_json(values: Sequence[Any]) -> Table | None:
    """Returns the table of an array of objects, or of objects in lines.

    None unless there are at least two objects with a member in common.
    """
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    if len(rows) < 2 or not all(isinstance(row, dict) and row for row in rows):
        return None
    if not set.intersection(*(set(row) for row in rows)):
        return None
    columns = tuple(dict.fromkeys(name for row in rows for name in row))[:_MOST_COLUMNS]
    first_rows = rows[:_MOST_ROWS]
    return Table(
        columns, tuple(tuple(_cell(row[name]) if name in row else "" for name in columns) for row in first_rows)
    )


def table_of_text(text: str) -> Table | None:
    """Returns the table of separated values.

    None unless there are at least two lines with the same number of cells (at least two), the first of them a heading
    of different names.
    """
    lines = [line for line in text.splitlines() if line]
    if len(lines) < 2:
        return None
    for separator, media_type in _SEPARATORS.items():
        if separator not in lines[0]:
            continue
        rows = _rows(lines, separator)
        if rows:
            columns, *others = rows
            return Table(columns[:_MOST_COLUMNS], tuple(row[:_MOST_COLUMNS] for row in others), media_type)
    return None


def _rows(lines: Sequence[str], separator: str) -> list[tuple[str, ...]] | None:
    try:
        rows = list(csv.reader(lines[: _MOST_ROWS + 1], delimiter=separator, strict=True))
    except csv.Error:
        return None
    heading = rows[0]
    if len(heading) < 2 or len(set(heading)) < len(heading) or not all(map(_HEADING.fullmatch, heading)):
        return None
    if any(len(row) != len(heading) for row in rows):
        return None
    return [tuple(cell[:_LONGEST_CELL] for cell in row) for row in rows]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:_LONGEST_CELL]
