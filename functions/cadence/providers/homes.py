"""The data that a runner's machine needs to call home: the address, the agent, and a one-time token.

The token is kept encrypted with the runner until it is claimed: a repeated start hands out the same one, so that the
machine of an earlier start is adopted with it.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.application.access.ports import Cipher
from cadence.application.runners.runner_tokens import new_token, token_hash
from cadence.domain.runners.runner import Runner
from cadence.providers.contract import AgentFile, CallHome


@dataclass(frozen=True)
class FreshToken:
    """A new one-time token. `kept` are the fields of a runner that store it, hashed and encrypted."""

    text: str = field(repr=False)
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class Homes:
    """Makes the data for the runners of one provider.

    `provider` is bound to each ciphertext, so that the Lambda of another provider cannot read it.
    """

    provider: str
    gateway_url: str
    agent: AgentFile
    cipher: Cipher

    def fresh(self, runner_id: str) -> FreshToken:
        """Returns a new token."""
        token = new_token()
        sealed = self.cipher.encrypt(token.encode(), self._context(runner_id))
        return FreshToken(
            token, {"one_time_hash": token_hash(token), "sealed_token": base64.b64encode(sealed).decode()}
        )

    def of(self, runner: Runner, fresh: FreshToken) -> CallHome:
        """Returns the data with the token stored in the runner; `fresh` is a new one, which may be the stored one."""
        token = fresh.text
        if runner.sealed_token is not None and runner.sealed_token != fresh.kept["sealed_token"]:
            sealed = base64.b64decode(runner.sealed_token)
            token = self.cipher.decrypt(sealed, self._context(runner.runner_id)).decode()
        return CallHome(self.gateway_url, token, self.agent)

    def _context(self, runner_id: str) -> Mapping[str, str]:
        return {"provider": self.provider, "runner": runner_id}
