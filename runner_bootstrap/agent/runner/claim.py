"""Claims the assignment of a runner."""

from __future__ import annotations

import secrets

from ..assignments.assignment import Assignment
from ..gateway.client import Gateway
from .facts import facts
from .settings import Site

#: Seconds for which the claim is repeated.
CLAIM_PATIENCE = 60.0


def claim(gateway: Gateway, site: Site) -> Assignment:
    """Claim with a gateway that speaks with the one-time token.

    Raises GatewayError, or AgentError for an answer not understood.
    """
    # The same in each repetition, so that a claim whose answer was lost gets it again, and nobody else's claim does.
    request = {"runner_id": site.runner_id, "nonce": secrets.token_urlsafe(24), "facts": facts(site.parent)}
    return Assignment(gateway.call("claim", request, CLAIM_PATIENCE))
