"""The termination of an assignment: the first reason wins, and every waiting thread is woken."""

from __future__ import annotations

import threading
import time

from .errors import AgentError, Stopped

#: Seconds for which log lines are still offered once the gateway no longer accepts the outcome.
LINES_PATIENCE = 20.0


class Termination:
    """Decided once. ``report`` is false if the gateway no longer accepts the outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self.outcome: str | None = None
        self.error: str | None = None
        self.report = True
        self._lines_until = float("inf")

    def decide(self, outcome: str, error: str, report: bool = True) -> None:
        """Terminates the assignment.

        Later reasons are ignored, except that ``report=False`` always suppresses the report.
        """
        with self._lock:
            if self.report and not report:
                self.report = False
                self._lines_until = time.monotonic() + LINES_PATIENCE
            if self.outcome is None:
                self.outcome, self.error = outcome, error
        self._event.set()

    def decide_from(self, error: AgentError) -> None:
        """Terminates the assignment with the outcome and the message of ``error``."""
        self.decide(error.outcome, str(error))

    @property
    def lines_wanted(self) -> bool:
        """Whether the gateway may still accept what the command wrote before it was ended."""
        return time.monotonic() < self._lines_until

    @property
    def decided(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits for the termination for at most ``seconds``; returns whether it is decided."""
        return self._event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Sleeps for ``seconds``. Raises Stopped as soon as the termination is decided."""
        if self._event.wait(seconds):
            raise Stopped

    def check(self) -> None:
        """Raises Stopped if the termination is decided."""
        if self._event.is_set():
            raise Stopped
