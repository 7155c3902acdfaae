"""Asks a Mélodium engine to end, and leaves it the time to report what it has."""

from contextlib import suppress
from datetime import datetime, timedelta

from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict

ENGINE_ENDS_WITHIN = timedelta(seconds=60)
"""The agent hears of the request with its next heartbeat, and gives its engine 18 s. Later the runner is given up."""


def ask_engine_to_end(runners: RunnerStore, runner: Runner, reason: str, now: datetime) -> bool:
    """Requests the end of a claimed runner with an engine, and brings its deadline forward. Safe to repeat.

    Returns False for other runners, and for one whose lease is over. Until the deadline the runner completes by itself:
    if its machine ended the attempt before, the engine's last report would be refused.
    """
    alive = runner.lease_until is not None and now < runner.lease_until
    if runner.engine is None or runner.state is not RunnerState.CLAIMED or not alive:
        return False
    deadline = min(now + ENGINE_ENDS_WITHIN, runner.deadline or now + ENGINE_ENDS_WITHIN)
    with suppress(Conflict):  # it has completed
        runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason=reason, deadline=deadline)
    return True
