"""Recognises traces of Ruby and PHP."""

import re
from collections.abc import Sequence
from dataclasses import replace

from cadence.domain.insight.stacktraces.model import Frame, StackTrace, number

_RUBY_HEAD = re.compile(
    r"(?P<file>\S[^:]*):(?P<line>\d+):in [`'](?P<function>[^']*)': (?P<message>.*?) ?\((?P<error>[A-Z][\w:]*)\)$"
)
_RUBY_CALL = re.compile(r"\s+(?:\d+: )?from (?P<file>[^:]+):(?P<line>\d+)(?::in [`'](?P<function>[^']*)')?$")
_RUBY_LIBRARY = re.compile(r"/gems/|/lib/ruby/|^<internal:")

_MOST_CAUSES = 50
"""Of one error of Ruby, as lines that follow each other may be errors of their own, without end."""

_PHP_HEAD = re.compile(
    r"(?:PHP )?(?:Fatal|Parse) error:\s+(?:Uncaught )?(?:(?P<error>[A-Za-z_\\][\w\\]*): )?(?P<message>.*?)"
    r" in (?P<file>\S.*?)(?::| on line )(?P<line>\d+)$"
)
_PHP_NEXT = re.compile(r"Next (?P<error>[A-Za-z_\\\\][\w\\\\]*): (?P<message>.*?) in (?P<file>\S.*?):(?P<line>\d+)$")
_PHP_CALL = re.compile(r"#\d+ (?:(?P<file>.+?)\((?P<line>\d+)\)|\[internal function\]): (?P<function>.+)$")
_PHP_MAIN = re.compile(r"#\d+ \{main\}$")
_PHP_LIBRARY = re.compile(r"/vendor/")


def ruby_error(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the error of Ruby that line `start` begins, with the error it was rescued from."""
    return _ruby_error(lines, start, _MOST_CAUSES)


def _ruby_error(lines: Sequence[str], start: int, most_causes: int) -> StackTrace | None:
    head = _RUBY_HEAD.match(lines[start])
    if head is None:
        return None
    frames = [_frame(head, start, _RUBY_LIBRARY)]
    cause: StackTrace | None = None
    for at in range(start + 1, len(lines)):
        call = _RUBY_CALL.match(lines[at])
        if call is None:
            # The error it was rescued from follows at once.
            cause = _ruby_error(lines, at, most_causes - 1) if most_causes else None
            break
        frames.append(_frame(call, at, _RUBY_LIBRARY))
    last = cause.last if cause else start + len(frames) - 1
    return StackTrace(
        language="Ruby",
        error=head["error"],
        message=head["message"],
        frames=tuple(frames),
        first=start,
        last=last,
        caused_by=cause,
    )


def php_error(lines: Sequence[str], start: int) -> StackTrace | None:
    """Returns the error of PHP that line `start` begins.

    PHP prints the root error before those that followed from it.
    """
    head = _PHP_HEAD.match(lines[start])
    trace = _php_block(lines, start, head) if head else None
    while trace and trace.last + 2 < len(lines) and not lines[trace.last + 1].strip():
        following = _PHP_NEXT.match(lines[trace.last + 2])
        if following is None:
            break
        outer = _php_block(lines, trace.last + 2, following)
        trace = replace(outer, first=start, caused_by=trace)
    return trace


def _php_block(lines: Sequence[str], start: int, head: re.Match[str]) -> StackTrace:
    frames = [
        Frame(
            function="",
            file=head["file"],
            line=number(head["line"]),
            column=None,
            own=not _PHP_LIBRARY.search(head["file"]),
            on=start,
        )
    ]
    last = start
    for at in range(start + 1, len(lines)):
        call = _PHP_CALL.match(lines[at])
        if call:
            frames.append(_frame(call, at, _PHP_LIBRARY))
        elif not (_PHP_MAIN.match(lines[at]) or lines[at].strip() == "Stack trace:"):
            last = at if lines[at].startswith("  thrown in ") else last
            break
        last = at
    return StackTrace(
        language="PHP",
        error=head["error"] or "Error",
        message=head["message"],
        frames=tuple(frames),
        first=start,
        last=last,
    )


def _frame(match: re.Match[str], on: int, library: re.Pattern[str]) -> Frame:
    file = match["file"]
    own = file is not None and not library.search(file)
    return Frame(function=match["function"] or "", file=file, line=number(match["line"]), column=None, own=own, on=on)
