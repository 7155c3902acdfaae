"""Claims the assignment of a runner."""

from __future__ import annotations

import secrets
from typing import Any

from ..assignments.assignment import Assignment
from ..gateway.client import GatewayClient
from .facts import facts
from .settings import RunnerSettings

#: Seconds for which the claim is repeated.
CLAIM_PATIENCE = 60.0


def claim(gateway: GatewayClient, settings: RunnerSettings) -> Assignment:
    """Claims the assignment with a gateway client that uses the one-time token.

    Raises GatewayError, or AgentError if the answer cannot be parsed.
    """
    # The same in each repetition, so that this claim gets a lost answer again, and no other claim does.
    request: dict[str, Any] = {
        "runner_id": settings.runner_id,
        "nonce": secrets.token_urlsafe(24),
        "facts": facts(settings.parent),
    }
    if settings.started_by:
        request["host"] = settings.started_by._asdict()
    return Assignment(gateway.call("claim", request, CLAIM_PATIENCE))
