"""How tests wait: for an event, with a bound that only a hang reaches, and never for a time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds that a busy machine may take for what a quiet one does at once.
PATIENCE = 180.0
_PAUSE = 0.02


def eventually(
    look: Callable[[], T], within: float = PATIENCE, *, what: str | Callable[[], object] = "", pause: float = _PAUSE
) -> T:
    """The first result of `look` that is true, asked for every `pause` seconds and, after long, more seldom.

    Raises AssertionError with `what` (or what it returns) and the last result if there is none `within` so many
    seconds.
    """
    found = last_look(look, bool, within, pause=pause)
    assert found, f"not within {within:g} s: {what() if callable(what) else what} (last: {found!r})"
    return found


def last_look(
    look: Callable[[], T], enough: Callable[[T], object], within: float = PATIENCE, *, pause: float = _PAUSE
) -> T:
    """The first result that is `enough`, or the last one when `within` seconds are over: for tests that assert on it.

    Looking costs time that a small machine needs for what is waited for: the pause grows with the time that has passed.
    """
    began = time.monotonic()
    while not enough(found := look()) and (passed := time.monotonic() - began) < within:
        time.sleep(max(pause, min(passed / 20, 1.0)))
    return found
