"""Threads that work for an assignment: the first error of any of them is heard, and none outlives the assignment."""

from __future__ import annotations

import threading
from typing import Callable

from .errors import Stopped
from .termination import Termination


class WorkerThreads:
    """``failed`` hears of whatever a thread raises, but Stopped."""

    def __init__(self, termination: Termination, failed: Callable[[Exception], None]) -> None:
        self._termination, self._failed = termination, failed
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the assignment must hear of it
                self._failed(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait for all. Raises Stopped when the assignment ends first."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.2)
                if thread.is_alive():
                    self._termination.check()
        self._termination.check()
