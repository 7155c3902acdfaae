"""Gives a run of another CI system, which proves its identity, the one-time token that it could not be given before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.application.runners.runner_tokens import new_token, refuse, refuse_runner, token_hash
from cadence.application.shared.ports import PoolStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.runners.job_identity import expected_identity
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Conflict, Gone, NotFound, Transient, Unauthenticated

_REFUSED = "This identity token is not that of the run that was started for this runner."


class IdentityTokens(Protocol):
    """Verifies OpenID Connect identity tokens."""

    def read(self, token: str, issuer: str, audience: str) -> Mapping[str, Any]:
        """Returns the claims of a token that `issuer` signed for `audience` and that is valid now.

        Raises Unauthenticated if it is not valid, and Transient if the issuer's keys cannot be read.
        """


@dataclass(frozen=True)
class ExchangeIdentity:
    """Exchanges the identity token of a CI system's run for a runner's one-time token."""

    runners: RunnerStore
    pools: PoolStore
    tokens: IdentityTokens

    def exchange(self, runner_id: str, token: str) -> str:
        """Returns a one-time token; until it is used, a repeated call returns another, and the first is void.

        Raises Unauthenticated (the token is not that run's), Gone (no treatment waits for the runner any more) and
        Transient (the started run is not noted yet, or the issuer's keys cannot be read: ask again).
        """
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            raise refuse("unknown_runner", _REFUSED, runner_id=runner_id) from None
        if runner.state is not RunnerState.BOOTING or runner.cancel_reason:
            raise Gone(f"No treatment waits for runner {runner_id} any more.", state=str(runner.state))
        if runner.ref is None:
            raise Transient(f"The run that was started for runner {runner_id} is not noted yet.", retry_after=1)
        pool = self.pools.get_pool(runner.organization, runner.pool)
        expected = expected_identity(pool, runner_id, runner.ref)
        if expected is None:
            raise refuse_runner("identity_of_another_provider", _REFUSED, runner)
        try:
            claims = self.tokens.read(token, expected.issuer, expected.audience)
        except Unauthenticated as error:
            raise refuse_runner("invalid_job_identity", error.message, runner) from None
        if not expected.is_shown_by(claims):
            raise refuse_runner("wrong_job_identity", _REFUSED, runner)
        one_time = new_token()
        try:
            self.runners.change_runner(runner_id, {RunnerState.BOOTING}, one_time_hash=token_hash(one_time))
        except Conflict:
            raise Gone(f"No treatment waits for runner {runner_id} any more.") from None
        return one_time
