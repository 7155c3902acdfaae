"""Threads that work for an assignment. The first error of any of them is reported, and none outlives the assignment."""

from __future__ import annotations

import threading
from typing import Callable

from .errors import Stopped
from .termination import Termination


class WorkerThreads:
    """``failed`` is called with each error that a thread raises, except Stopped."""

    def __init__(self, termination: Termination, failed: Callable[[Exception], None]) -> None:
        self._termination, self._failed = termination, failed
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Runs ``work`` in a thread."""

        def run() -> None:
            try:
                work()
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - every error must end the assignment
                self._failed(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Waits for all threads. Raises Stopped if the assignment terminates first."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.2)
                if thread.is_alive():
                    self._termination.check()
        self._termination.check()
