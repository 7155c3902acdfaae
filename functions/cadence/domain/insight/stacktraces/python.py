"""Recognises traces of Python: tracebacks, chained ones, syntax errors, exception groups."""

import re
from collections.abc import Sequence
from dataclasses import replace

from cadence.domain.insight.stacktraces.model import Frame, StackTrace, number

_HEAD = re.compile(r"(?P<group>\s*\+ Exception Group )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?\s*$')
_ERROR = re.compile(r"(?P<error>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_SYNTAX = re.compile(r"(?:Syntax|Indentation|Tab)Error: ")
_LINKS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
LIBRARY = re.compile(r"(?:site|dist)-packages/|/lib(?:64)?/python\d|<frozen |<string>")


def traceback(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the traceback or syntax error that line `start` begins."""
    head = _HEAD.match(lines[start])
    if head is None:
        return _syntax_error(lines, start)
    if head["group"]:
        # Its own calls stand behind a bar; those of each of its exceptions are tracebacks of their own.
        lines = [*lines[: start + 1], *(_behind_bar(line) for line in lines[start + 1 :])]
    trace = _single(lines, start)
    while trace is not None:
        following = _linked(lines, trace.last)
        outer = _single(lines, following) if following else None
        if outer is None:
            break
        trace = replace(outer, first=trace.first, caused_by=trace)
    return trace


def _behind_bar(line: str) -> str:
    _, bar, rest = line.partition("| ")
    return rest if bar else "+"


def _single(lines: Sequence[str], start: int) -> StackTrace | None:
    frames: list[Frame] = []
    at = start + 1
    while at < len(lines):
        frame = _FRAME.match(lines[at])
        if frame:
            frames.append(_frame(frame, at))
        elif lines[at][:1] not in {" ", "\t"}:
            break
        at += 1
    error = _ERROR.match(lines[at]) if at < len(lines) else None
    if error is None or not frames:
        return None
    return StackTrace(
        language="Python",
        error=error["error"],
        message=error["message"] or "",
        frames=tuple(reversed(frames)),
        first=start,
        last=at,
    )


def _linked(lines: Sequence[str], last: int) -> int | None:
    """Returns the line at which the traceback begins that was raised because of the one that ended at `last`.

    A message of several lines may stand in between.
    """
    for at in range(last + 1, min(len(lines), last + 60)):
        if lines[at].strip() in _LINKS:
            following = next((after for after in range(at + 1, min(at + 4, len(lines))) if lines[after].strip()), None)
            return following if following is not None and _HEAD.match(lines[following]) else None
        if _HEAD.match(lines[at]):
            return None
    return None


def _syntax_error(lines: Sequence[str], start: int) -> StackTrace | None:
    frame = _FRAME.match(lines[start])
    if frame is None or frame["function"]:
        return None
    for at in range(start + 1, min(start + 6, len(lines))):
        error = _ERROR.match(lines[at]) if _SYNTAX.match(lines[at]) else None
        if error:
            return StackTrace(
                language="Python",
                error=error["error"],
                message=error["message"] or "",
                frames=(_frame(frame, start),),
                first=start,
                last=at,
            )
    return None


def _frame(match: re.Match[str], on: int) -> Frame:
    file = match["file"]
    return Frame(
        function=match["function"] or "",
        file=file,
        line=number(match["line"]),
        column=None,
        own=not LIBRARY.search(file),
        on=on,
    )
