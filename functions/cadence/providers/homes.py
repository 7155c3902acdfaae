"""What a runner's machine needs to call home: where to, with which agent, and a one-time token.

The token is kept encrypted with the runner until it is claimed: a repeated start hands out the same one, so that what
an earlier start made is adopted with it.
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
    """`kept` are the fields of a runner that say what may be known of it."""

    text: str = field(repr=False)
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class Homes:
    """`provider` is bound to each ciphertext: the Lambda of no other one can read it."""

    provider: str
    gateway_url: str
    agent: AgentFile
    cipher: Cipher

    def fresh(self, runner_id: str) -> FreshToken:
        token = new_token()
        sealed = self.cipher.encrypt(token.encode(), self._context(runner_id))
        return FreshToken(
            token, {"one_time_hash": token_hash(token), "sealed_token": base64.b64encode(sealed).decode()}
        )

    def of(self, runner: Runner, fresh: FreshToken) -> CallHome:
        """With the token that is kept; `fresh` is one that was just made, and may be it."""
        token = fresh.text
        if runner.sealed_token is not None and runner.sealed_token != fresh.kept["sealed_token"]:
            sealed = base64.b64decode(runner.sealed_token)
            token = self.cipher.decrypt(sealed, self._context(runner.runner_id)).decode()
        return CallHome(self.gateway_url, token, self.agent)

    def _context(self, runner_id: str) -> Mapping[str, str]:
        return {"provider": self.provider, "runner": runner_id}
