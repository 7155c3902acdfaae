"""How an assignment ends: the first reason wins, and every waiting thread hears of it."""

from __future__ import annotations

import threading

from .errors import AgentError, Stopped


class Termination:
    """Set once. ``report`` tells whether the gateway still wants to hear of the outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self.outcome: str | None = None
        self.error: str | None = None
        self.report = True

    def decide(self, outcome: str, error: str, report: bool = True) -> None:
        """End the assignment. Later reasons are ignored, but losing the lease always silences the report."""
        with self._lock:
            self.report = self.report and report
            if self.outcome is None:
                self.outcome, self.error = outcome, error
        self._event.set()

    def decide_from(self, error: AgentError) -> None:
        self.decide(error.outcome, str(error))

    @property
    def decided(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end for at most ``seconds``; true once it is decided."""
        return self._event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise ``Stopped`` as soon as the end is decided."""
        if self._event.wait(seconds):
            raise Stopped

    def check(self) -> None:
        if self._event.is_set():
            raise Stopped
