"""One line for each step of the start, with the time it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
"""Where lines for the user go."""


def say(line: str) -> None:
    """Print a line at once, also into a file or a pipe."""
    print(line, flush=True)


@contextmanager
def step(out: Say, what: str) -> Iterator[list[str]]:
    """Say, unless it fails, what was done and how long it took; words appended to the list given go behind it."""
    began = time.monotonic()
    notes: list[str] = []
    yield notes
    details = f" ({', '.join(notes)})" if notes else ""
    out(f"  {what}{details} … {time.monotonic() - began:.1f} s")
