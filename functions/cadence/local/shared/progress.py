"""Prints one line for each step of the start, with its duration."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PrintLine = Callable[[str], None]
"""Prints a line for the user."""


def print_line(line: str) -> None:
    """Prints a line at once, also into a file or a pipe."""
    print(line, flush=True)


@contextmanager
def step(out: PrintLine, description: str) -> Iterator[list[str]]:
    """Prints the description and duration of the block once it succeeds; notes appended to the list are printed with
    it.
    """
    began = time.monotonic()
    notes: list[str] = []
    yield notes
    details = f" ({', '.join(notes)})" if notes else ""
    out(f"  {description}{details} … {time.monotonic() - began:.1f} s")
