"""Summaries of jobs: Markdown that treatments write about what they did, shown beside their run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_SUMMARY = 30_000
"""Characters of a summary."""
_JOINER = "\u2060"  # shows nothing, and keeps the characters at its sides from being read as one mark
# A tag, comment or instruction of HTML or an autolink; an image; a mention of a person or team.
_MARKS = re.compile(r"(<)(?=[A-Za-z/!?])|(!)(?=\[)|(@)(?=[A-Za-z0-9_-])")
# A line that code hosts take for a command ("/close", "/cadence rerun").
_COMMAND = re.compile(r"^([ \t>*+-]*)(?=/)", re.MULTILINE)


@dataclass(frozen=True)
class JobSummary:
    """What an attempt of a treatment wrote, as Markdown of its own, which is not safe to show as it is."""

    run_id: str
    treatment: str
    attempt: int
    text: str


def harmless_markdown(text: str) -> str:
    """Returns Markdown that a code host may show: nothing in it is HTML, loads an image, notifies or commands."""
    return _COMMAND.sub(rf"\1{_JOINER}", _MARKS.sub(rf"\g<0>{_JOINER}", text))


def listed(summaries: Sequence[JobSummary], longest: int) -> list[str]:
    """Returns lines of Markdown with the summaries below their treatments' names, as far as they fit in `longest`.

    `longest` counts characters. Those left out are counted.
    """
    lines: list[str] = []
    room, left_out = longest, 0
    for summary in sorted(summaries, key=lambda one: one.treatment):
        part = ["", f"#### `{summary.treatment}`", "", *_closed(harmless_markdown(summary.text)).splitlines()]
        size = sum(len(line) + 1 for line in part)
        if size > room:
            left_out += 1
            continue
        lines += part
        room -= size
    if left_out:
        lines += [
            "",
            f"{left_out} summar{'y is' if left_out == 1 else 'ies are'} too long for this place: see the run.",
        ]
    return lines


def _closed(text: str) -> str:
    """Returns the text with a block of code ended that it leaves open, so that what follows is no part of it."""
    fence = ""
    for line in text.splitlines():
        found = re.match(r"^ {0,3}(`{3,}|~{3,})(.*)$", line)
        if found is None:
            continue
        if not fence:
            fence = found[1] if not (found[1][0] == "`" and "`" in found[2]) else ""
        elif found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text
