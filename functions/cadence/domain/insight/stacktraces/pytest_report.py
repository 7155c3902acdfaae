"""Recognises failures as pytest reports them, in its long, short and mixed styles."""

import re
from collections.abc import Sequence

from cadence.domain.insight.stacktraces.model import Frame, StackTrace, number
from cadence.domain.insight.stacktraces.python import LIBRARY

_HEAD = re.compile(r"_{3,} (?P<name>\S.*?) _{3,}$")
_END = re.compile(r"[=!-]{3,} \S")  # captured output, the summary
_CALL = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+):(?: in (?P<function>.+)| (?P<error>[A-Za-z_]\w*))?$")
_DEFINITION = re.compile(r"    (?:async )?def (?P<function>\w+)\(")
_TEXT = re.compile(r"E {3,}(?P<text>\S.*)$")
_ERROR = re.compile(r"(?P<error>(?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (?P<message>.*))?$")


def failure(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the failure of a test, or of a file's import, whose heading line `start` is."""
    head = _HEAD.match(lines[start])
    if head is None:
        return None
    frames: list[Frame] = []
    text, kind, function, last = "", "", "", start
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if _HEAD.match(line) or _END.match(line):
            break
        if call := _CALL.match(line):
            frames.append(
                Frame(
                    function=call["function"] or function,
                    file=call["file"],
                    line=number(call["line"]),
                    column=None,
                    own=not LIBRARY.search(call["file"]),
                    on=at,
                )
            )
            kind, function, last = call["error"] or kind, "", at
        elif (definition := _DEFINITION.match(line)) and not function:
            function = definition["function"]
        elif stated := _TEXT.match(line):
            text, last = text or stated["text"], at
    if not frames or not text:
        return None
    error, message = _stated(text, kind)
    return StackTrace(
        language="Python", error=error, message=message, frames=tuple(reversed(frames)), first=start, last=last
    )


def _stated(text: str, kind: str) -> tuple[str, str]:
    """Returns error and message of the first line behind `E`; a bare `assert` has no name of its error there."""
    stated = _ERROR.match(text)
    if stated is None or text.startswith("assert "):
        return kind or "AssertionError", text
    return stated["error"], stated["message"] or ""
