"""MiniStack with two additions: it ends with its starter, and saves its state while it runs, not only at its end."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack import app

from cadence.local import lifeline

SAVE_SECONDS = 5.0
REST_PER_SAVE = 20
"""Saving takes at most a twentieth of the time, however large the state has become."""

# What Lambdas logged grows with every call, and nothing reads it back: saved at the end only.
_SAVED_AT_END_ONLY = frozenset({"cloudwatch_logs", "cloudwatch"})

SaveAll = Callable[[dict[str, Any]], None]


def one_at_a_time(save_all: SaveAll) -> SaveAll:
    """MiniStack's own save at its end and ours write the same files, so they take turns."""
    turn = threading.Lock()

    def save(services: dict[str, Any]) -> None:
        with turn:
            save_all(services)

    return save


def save_regularly(wait: Callable[[float], bool]) -> None:
    """Save until `wait` (seconds to rest) says that it is time to end."""
    rest = SAVE_SECONDS
    while not wait(rest):
        began = time.monotonic()
        services = app._build_persistence_save_dict()  # noqa: SLF001 (MiniStack has no public way to save)
        app.save_all({name: state for name, state in services.items() if name not in _SAVED_AT_END_ONLY})
        rest = max(SAVE_SECONDS, REST_PER_SAVE * (time.monotonic() - began))


def main() -> None:
    app.save_all = one_at_a_time(app.save_all)
    ending = threading.Event()
    threading.Thread(target=save_regularly, args=(ending.wait,), name="save-state", daemon=True).start()
    lifeline.watch(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        app.main()
    finally:
        ending.set()


if __name__ == "__main__":
    main()
