"""Keeps the lease alive, receives cancellations, and terminates the assignment if the gateway stays silent."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from ..execution.steps import StepRecorder
from ..gateway.client import GatewayClient
from ..resources.series import SampleSeries
from ..shared.errors import CANCELLED, INFRASTRUCTURE, GatewayUnreachable, LeaseLost, RequestRefused
from ..shared.termination import Termination

#: Seconds to the first heartbeat: the claim has just renewed the lease, so a shorter treatment needs none.
FIRST_BEAT = 1.0


class HeartbeatSender(threading.Thread):
    """Sends heartbeats until stopped, every ``every`` seconds. ``on_answer`` is called with each answer."""

    def __init__(
        self,
        gateway: GatewayClient,
        path: str,
        every: float,
        lease: float,
        termination: Termination,
        series: SampleSeries,
        steps: StepRecorder,
        on_answer: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._gateway, self._path, self._every, self._lease = gateway, path, every, lease
        self._termination, self._series, self._on_answer = termination, series, on_answer
        self._steps = steps
        self._stop = threading.Event()
        self.phase = "preparing"

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        alive_until = time.monotonic() + self._lease
        if not self._wait(min(FIRST_BEAT, self._every)):
            self._beat(alive_until)

    def _beat(self, alive_until: float) -> None:
        while True:
            started = time.monotonic()
            samples = self._series.due()
            steps = self._steps.news()
            body = {"phase": self.phase, "samples": samples, **({"steps": steps} if steps else {})}
            try:
                # The lease counts from the start of the request, since the gateway may have received it then.
                answer = self._gateway.call(
                    self._path, body, patience=self._every, timeout=max(1.0, self._lease / 3), sleep=self._pause
                )
            except LeaseLost as error:
                self._termination.decide(*error.outcome, report=False)
                return
            except RequestRefused as error:
                self._termination.decide(INFRASTRUCTURE, f"heartbeat refused: {error}", report=False)
                return
            except GatewayUnreachable as error:
                if time.monotonic() >= alive_until:
                    self._termination.decide(
                        INFRASTRUCTURE,
                        f"the gateway answered no heartbeat for {self._lease:g} s: {error}",
                        report=False,
                    )
                    return
            else:
                alive_until = started + self._lease
                self._series.accepted(samples)
                self._steps.reported(steps)
                if answer.get("cancel"):
                    self._termination.decide(CANCELLED, str(answer["cancel"]))
                self._on_answer(answer)
            if self._wait(self._every - (time.monotonic() - started)):
                return

    def _wait(self, seconds: float) -> bool:
        """Takes samples until the time has passed (returns false) or the thread is stopped (returns true)."""
        until = time.monotonic() + max(0.0, seconds)
        while not self._stop.wait(min(self._series.seconds_to_next(), max(0.0, until - time.monotonic()))):
            self._series.take()
            if time.monotonic() >= until:
                return False
        return True

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)
