"""What a stack trace says, whatever language wrote it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Recogniser = Callable[[Sequence[str], int], "StackTrace | None"]
"""The stack trace that begins with a line, if one does: lines and the number of that line, from 0."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One call. `own` is False for code of the language itself and of libraries; `on` is the number of the log line."""

    function: str
    file: str | None
    line: int | None
    column: int | None
    own: bool
    on: int


@dataclass(frozen=True, kw_only=True)
class StackTrace:
    """An error and the calls that led to it, the innermost first. It stands on the lines `first` to `last` (from 0, both included).

    `caused_by` is the error that this one was raised because of, as far as the language tells.
    """

    language: str
    error: str
    message: str
    frames: tuple[Frame, ...]
    first: int
    last: int
    caused_by: "StackTrace | None" = None

    @property
    def chain(self) -> "Iterator[StackTrace]":
        """This error, what it was caused by, and so on."""
        trace: StackTrace | None = self
        while trace is not None:
            yield trace
            trace = trace.caused_by

    @property
    def root(self) -> "StackTrace":
        *_, last = self.chain
        return last

    @property
    def place(self) -> Frame | None:
        """Where to look first: the innermost call in the user's own code, of the error that was there first."""
        for trace in reversed(list(self.chain)):
            for frame in trace.frames:
                if frame.own and frame.file:
                    return frame
        return next((frame for frame in self.root.frames if frame.file), None)


def number(text: str | None) -> int | None:
    """A line or column as it is written, if it is there and can be one."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
