"""Ruby and PHP."""

import re
from collections.abc import Sequence

from cadence.domain.stacktraces.model import Frame, StackTrace, number

_RUBY_HEAD = re.compile(
    r"(?P<file>\S[^:]*):(?P<line>\d+):in [`'](?P<function>[^']*)': (?P<message>.*?) ?\((?P<error>[A-Z][\w:]*)\)$"
)
_RUBY_CALL = re.compile(r"\s+(?:\d+: )?from (?P<file>[^:]+):(?P<line>\d+)(?::in [`'](?P<function>[^']*)')?$")
_RUBY_LIBRARY = re.compile(r"/gems/|/lib/ruby/|^<internal:")

_PHP_HEAD = re.compile(
    r"(?:PHP )?(?:Fatal|Parse) error:\s+(?:Uncaught )?(?:(?P<error>[A-Za-z_\\][\w\\]*): )?(?P<message>.*?)"
    r" in (?P<file>\S.*?)(?::| on line )(?P<line>\d+)$"
)
_PHP_CALL = re.compile(r"#\d+ (?:(?P<file>.+?)\((?P<line>\d+)\)|\[internal function\]): (?P<function>.+)$")
_PHP_MAIN = re.compile(r"#\d+ \{main\}$")
_PHP_LIBRARY = re.compile(r"/vendor/")


def ruby_error(lines: Sequence[str], start: int) -> StackTrace | None:
    head = _RUBY_HEAD.match(lines[start])
    if head is None:
        return None
    frames = [_frame(head, start, _RUBY_LIBRARY)]
    for at in range(start + 1, len(lines)):
        call = _RUBY_CALL.match(lines[at])
        if call is None:
            break
        frames.append(_frame(call, at, _RUBY_LIBRARY))
    return StackTrace("Ruby", head["error"], head["message"], tuple(frames), start, start + len(frames) - 1)


def php_error(lines: Sequence[str], start: int) -> StackTrace | None:
    head = _PHP_HEAD.match(lines[start])
    if head is None:
        return None
    frames = [Frame("", head["file"], number(head["line"]), None, not _PHP_LIBRARY.search(head["file"]), start)]
    last = start
    for at in range(start + 1, len(lines)):
        call = _PHP_CALL.match(lines[at])
        if call:
            frames.append(_frame(call, at, _PHP_LIBRARY))
        elif not (_PHP_MAIN.match(lines[at]) or lines[at].strip() == "Stack trace:"):
            last = at if lines[at].startswith("  thrown in ") else last
            break
        last = at
    return StackTrace("PHP", head["error"] or "Error", head["message"], tuple(frames), start, last)


def _frame(found: re.Match[str], on: int, library: re.Pattern[str]) -> Frame:
    file = found["file"]
    own = file is not None and not library.search(file)
    return Frame(found["function"] or "", file, number(found["line"]), None, own, on)
