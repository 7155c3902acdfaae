"""Claims the assignment of a runner."""

from __future__ import annotations

import secrets

from ..assignments.assignment import Assignment
from ..gateway.client import GatewayClient
from .facts import facts
from .settings import RunnerSettings

#: Seconds for which the claim is repeated.
CLAIM_PATIENCE = 60.0


def claim(gateway: GatewayClient, settings: RunnerSettings) -> Assignment:
    """Claim with a gateway that speaks with the one-time token.

    Raises GatewayError, or AgentError for an answer not understood.
    """
    # The same in each repetition, so that a claim whose answer was lost gets it again, and nobody else's claim does.
    request = {"runner_id": settings.runner_id, "nonce": secrets.token_urlsafe(24), "facts": facts(settings.parent)}
    return Assignment(gateway.call("claim", request, CLAIM_PATIENCE))
