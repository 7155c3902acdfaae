"""The content of a stack trace, independent of the language."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Recogniser = Callable[[Sequence[str], int], "StackTrace | None"]
"""A function from lines and the number of one (from 0) to the stack trace that begins on it, or None."""


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
    """An error and the calls that led to it, the innermost first.

    It stands on the lines `first` to `last` (from 0, both included). `caused_by` is the error that this one was raised
    because of, as far as the language reports it.
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
        """This error, the error it was caused by, and so on."""
        trace: StackTrace | None = self
        while trace is not None:
            yield trace
            trace = trace.caused_by

    @property
    def root(self) -> "StackTrace":
        """The first error of the chain."""
        *_, last = self.chain
        return last

    @property
    def place(self) -> Frame | None:
        """The call to look at first: the innermost call in the user's own code, of the root error."""
        for trace in reversed(list(self.chain)):
            for frame in trace.frames:
                if frame.own and frame.file:
                    return frame
        return next((frame for frame in self.root.frames if frame.file), None)


def number(text: str | None) -> int | None:
    """Returns a line or column number; None if the text is missing or no number."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else None
