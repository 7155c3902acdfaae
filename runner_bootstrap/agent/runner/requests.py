"""The requests of one runner to the gateway."""

from __future__ import annotations

import base64
import time
from typing import Any

from ..gateway.client import GatewayClient
from ..logs.spill import Block
from ..shared.errors import CANCELLED, INFRASTRUCTURE, GatewayError, Stopped
from ..shared.termination import Termination

#: Seconds for which the outcome is offered to the gateway if the control plane may have given the assignment up.
REPORT_PATIENCE = 20.0


class RunnerRequests:
    """Sends the requests of an assignment. ``gateway`` uses the session token."""

    def __init__(self, gateway: GatewayClient, runner_id: str, termination: Termination) -> None:
        self._gateway, self._runner_id, self._termination = gateway, runner_id, termination

    def path(self, what: str) -> str:
        """Returns the path of a resource of this runner."""
        return self._gateway.runner(self._runner_id, what)

    def call(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """Sends a request and returns the answer. Raises GatewayError, or Stopped if the assignment terminates."""
        return self._gateway.call(self.path(what), body, sleep=self._termination.sleep)

    def call_until(self, port: str, body: dict[str, Any], limit: Termination) -> dict[str, Any]:
        """Sends a request about an output of a failed attempt. Raises GatewayError, or Stopped at ``limit``."""
        return self._gateway.call(self.path(f"outputs/{port}"), body, sleep=limit.sleep)

    def send_lines(self, block: Block) -> dict[str, Any]:
        """Sends log lines, also during the termination, and stops the command if its attempt is over.

        Raises GatewayError, or Stopped once no more lines are wanted.
        """
        text = base64.b64encode(block.packed).decode()
        body = {"block": {"first": block.first, "spans": block.spans, "text": text}}
        answer = self._gateway.call(self.path("logs"), body, sleep=self._sleep_while_lines_are_wanted)
        if answer.get("stop"):
            self._termination.decide(CANCELLED, str(answer["stop"]), report=False)
        return answer

    def complete(self, body: dict[str, Any]) -> bool:
        """Reports the outcome; returns false if the gateway refuses it or cannot be reached."""
        patience = REPORT_PATIENCE if self._termination.outcome == INFRASTRUCTURE else float("inf")
        try:
            self._gateway.call(self.path("complete"), body, patience, sleep=self._sleep_while_wanted)
        except (GatewayError, Stopped):
            return False
        return True

    def _sleep_while_lines_are_wanted(self, seconds: float) -> None:
        time.sleep(seconds)
        if not self._termination.lines_wanted:
            raise Stopped

    def _sleep_while_wanted(self, seconds: float) -> None:
        """Sleeps between attempts. Raises Stopped once the gateway no longer accepts the outcome."""
        time.sleep(seconds)
        if not self._termination.report:
            raise Stopped
