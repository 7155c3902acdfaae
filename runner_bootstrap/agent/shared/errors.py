"""Errors of the agent, with the outcomes that the control plane distinguishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SUCCEEDED = "succeeded"
FAILED = "failed"
INFRASTRUCTURE = "infrastructure"
#: The machine announced its own end, so the treatment continues elsewhere.
INTERRUPTED = "interrupted"
CANCELLED = "cancelled"
TIMED_OUT = "timed_out"


class AgentError(Exception):
    """Ends the assignment with an outcome and one clear sentence."""

    outcome = INFRASTRUCTURE


class TreatmentFailed(AgentError):
    """The user's command failed, so retries for infrastructure errors do not apply."""

    outcome = FAILED


class ProducerFailed(AgentError):
    """An input can no longer arrive."""

    outcome = CANCELLED


class Stopped(Exception):
    """The assignment is terminating for a reason recorded elsewhere; unwinds a worker thread."""


class GatewayError(Exception):
    """The gateway or the store cannot be used. Never holds a token."""


class GatewayUnreachable(GatewayError):
    """There was no usable answer within the time allowed."""


class RequestRefused(GatewayError):
    """A final refusal (4xx): another attempt would not help. ``details`` are those of the answer."""

    def __init__(self, status: int, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details or {}


class LeaseLost(RequestRefused):
    """This runner no longer owns its treatment (410): it must stop at once, and report no outcome."""

    @property
    def outcome(self) -> tuple[str, str]:
        """The outcome of the assignment and its reason: a cancellation if the gateway names it as one."""
        cancel = self.details.get("cancel")
        return (CANCELLED, str(cancel)) if cancel else (INFRASTRUCTURE, f"the lease is lost: {self}")
