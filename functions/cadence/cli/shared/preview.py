"""Previews contents on a terminal: text, JSON, tables, images, archives and bytes."""

import re
from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

# Sequences that would move the cursor or change colours.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]")
# The workspace of a command, whose path differs each time.
_WORKSPACE = re.compile(r"[^\s\"'(]*/cadence-[0-9a-z]{26}-[0-9a-f]{12}-\d+-\w+/(?:work/)?")
_LONGEST_LINE = 200
_LONGEST_CELL = 40
INDENT = 4


def plain(text: str) -> str:
    """The text without sequences that a terminal takes for commands."""
    return _ESCAPES.sub("", text)


def short(text: str) -> str:
    """The plain text, with paths in the command's workspace relative to it."""
    return _WORKSPACE.sub("", plain(text))


def previewed(shown: Mapping[str, Any], lines: int = 8) -> RenderableType:
    """At most `lines` lines of a content that the API shows, indented."""
    kind, cut = shown["kind"], shown["cut"]
    if kind == "empty":
        return _indented(Text("(empty)", "dim"))
    if kind == "table":
        return _indented(_table(shown, lines))
    if kind == "image":
        size = f" {shown['width']} × {shown['height']} pixels" if shown["width"] else ""
        return _indented(Text(f"({shown['media_type']} image{size})", "dim"))
    if kind == "archive":
        named = [plain(name) for name in shown["names"]]
        return _indented(_some(named, lines, cut))
    if kind == "hex":
        return _indented(_some(shown["lines"], lines, cut))
    return _indented(_some(plain(shown["text"] or "").split("\n"), lines, cut))


def _some(written: list[str], most: int, cut: bool) -> Text:
    while written and not written[-1]:
        written = written[:-1]
    shown = [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…" for line in written[:most]]
    text = Text("\n".join(shown))
    left = len(written) - len(shown)
    if left or cut:
        text.append(f"\n… {left} more lines" if left and not cut else "\n…", "dim")
    return text


def _table(shown: Mapping[str, Any], lines: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="underline", show_edge=False)
    for column in shown["columns"]:
        table.add_column(Text(plain(column)), no_wrap=True, max_width=_LONGEST_CELL, overflow="ellipsis")
    rows = shown["rows"]
    for row in rows[: max(1, lines - 1)]:
        table.add_row(*(Text(plain(cell)) for cell in row))
    if len(rows) > lines - 1 or shown["cut"]:
        table.add_row(Text("…", "dim"))
    return table


def _indented(what: Text | Table) -> RenderableType:
    if isinstance(what, Text):  # not padded, so that no spaces follow
        return Text("\n").join(Text(" " * INDENT).append_text(line) for line in what.split("\n", allow_blank=True))
    return Padding(what, (0, 0, 0, INDENT), expand=False)
