"""Finds the stack traces in lines of any text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cadence.domain.insight.stacktraces import at_frames, compiled, pytest_report, python, scripting
from cadence.domain.insight.stacktraces.model import Frame, Recogniser, StackTrace

_RECOGNISERS: tuple[Recogniser, ...] = (
    python.traceback,
    pytest_report.failure,
    compiled.go_panic,
    compiled.rust_panic,
    compiled.sanitizer_report,
    compiled.gdb_backtrace,
    scripting.ruby_error,
    scripting.php_error,
    at_frames.trace,
)
_LONGEST_LINE = 2_000
_LONGEST_TRACE = 500  # lines
# A prefix that tools put before each line, such as `web_1  | ` or the bars of an exception group.
_BEFORE = re.compile(r"(?:[\w.-]{1,60}\s*\|\s|\s*[|+]\s)+")


def find(lines: Sequence[str]) -> Sequence[StackTrace]:
    """Returns all stack traces in the order of their lines; frames and traces name these by their number, from 0."""
    shortened = [line[:_LONGEST_LINE].rstrip() for line in lines]
    return list(_traces(shortened))


def _traces(lines: Sequence[str]) -> Iterator[StackTrace]:
    at = 0
    while at < len(lines):
        trace = _beginning(lines, at) if lines[at] else None
        if trace:
            yield trace
        at = trace.last + 1 if trace else at + 1


def _beginning(lines: Sequence[str], at: int) -> StackTrace | None:
    trace = next((candidate for recognise in _RECOGNISERS if (candidate := recognise(lines, at))), None)
    before = _BEFORE.match(lines[at])
    if trace or before is None:
        return trace
    prefix = before[0]
    stripped = []
    for line in lines[at : at + _LONGEST_TRACE]:
        if not line.startswith(prefix.rstrip()):
            break
        stripped.append(line[len(prefix) :])
    trace = next((candidate for recognise in _RECOGNISERS if (candidate := recognise(stripped, 0))), None)
    return _moved(trace, at) if trace else None


def _moved(trace: StackTrace, by: int) -> StackTrace:
    def moved(frame: Frame) -> Frame:
        return replace(frame, on=frame.on + by)

    cause = _moved(trace.caused_by, by) if trace.caused_by else None
    frames = tuple(moved(frame) for frame in trace.frames)
    return replace(trace, frames=frames, first=trace.first + by, last=trace.last + by, caused_by=cause)
