"""Checks every call of an agent, before all else."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from cadence.application.runners.runner_tokens import bearer, matches, refuse, refuse_runner
from cadence.application.shared.runner_ports import FollowedRunner, RunnerStore
from cadence.domain.runners.runner import Runner, RunnerState, session_over
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.stream import StreamProgress

T = TypeVar("T")
_log = logging.getLogger("cadence.security")
_SENDERS = (RunnerState.CLAIMED, RunnerState.COMPLETED, RunnerState.LOST, RunnerState.RELEASED)
_REFUSED = "The session token is not the one of this runner."


@dataclass(frozen=True)
class RunnerSessions:
    """Checks the session tokens of agents."""

    runners: RunnerStore

    def check(
        self,
        runner_id: str,
        authorization: str | None,
        allowed: Collection[RunnerState] = (RunnerState.CLAIMED,),
    ) -> Runner:
        """Returns the runner that calls. Raises Unauthenticated, or Gone if its state is not `allowed`."""
        token = bearer(authorization)
        return _checked(_known(self.runners.get_runner, runner_id), token, allowed)

    def check_followed(
        self,
        runner_id: str,
        authorization: str | None,
        allowed: Collection[RunnerState] = (RunnerState.CLAIMED,),
    ) -> FollowedRunner:
        """Does what `check` does, and returns also until when the runner's run is watched live."""
        token = bearer(authorization)
        followed = _known(self.runners.get_followed_runner, runner_id)
        _checked(followed.runner, token, allowed)
        return followed

    def check_sender(self, runner_id: str, authorization: str | None) -> FollowedRunner:
        """Does what `check_followed` does, for a sender of log lines, whose attempt may be over.

        `Runner.delivers_lines` says until when its lines are accepted.
        """
        return self.check_followed(runner_id, authorization, _SENDERS)

    def check_producer(
        self, runner_id: str, authorization: str | None, ports: Collection[str]
    ) -> tuple[Runner, Mapping[str, StreamProgress]]:
        """Does what `check` does, and returns also what of the runner's outputs at these ports is committed."""
        token = bearer(authorization)
        runner, progress = _known(partial(self.runners.get_producer, ports=ports), runner_id)
        return _checked(runner, token, (RunnerState.CLAIMED,)), progress


def _known(read: Callable[[str], T], runner_id: str) -> T:
    try:
        return read(runner_id)
    except NotFound:
        raise refuse("unknown_runner", _REFUSED, runner_id=runner_id) from None


def _checked(runner: Runner, token: str, allowed: Collection[RunnerState]) -> Runner:
    if not matches(runner.session_hash, token):
        raise refuse_runner("wrong_session_token", _REFUSED, runner)
    if runner.state not in allowed:
        _log.info("runner %s calls although it is %s", runner.runner_id, runner.state)
        raise session_over(runner)
    return runner
