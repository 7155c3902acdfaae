"""Which runner this is and where it works, and how it gets its assignment."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .assignment import Assignment
from .cgroups import Cgroups
from .facts import facts
from .gateway import Gateway
from .pod import Pod
from .sandbox import Bubblewrap

CLAIM_PATIENCE = 60.0


class Site(NamedTuple):
    """Which runner this is, where workspaces go, which directories the command must not see, where its control group is made.

    ``pod`` is what it is in, if that was made with containers for its treatment.
    """

    runner_id: str
    parent: Path
    hidden: Sequence[Path]
    shown: Sequence[Path] = ()
    cgroups: Cgroups | None = None
    pod: Pod | None = None

    def sandbox(self) -> Bubblewrap | None:
        """Where its commands run on this machine, if it has one."""
        return Bubblewrap.find(self.hidden, self.shown)


def claim(gateway: Gateway, site: Site) -> Assignment:
    """Claim with a gateway that speaks with the one-time token.

    Raises GatewayError, or AgentError for an answer not understood.
    """
    # The same in each repetition, so that a claim whose answer was lost gets it again, and nobody else's claim does.
    request = {"runner_id": site.runner_id, "nonce": secrets.token_urlsafe(24), "facts": facts(site.parent)}
    return Assignment(gateway.call("claim", request, CLAIM_PATIENCE))
