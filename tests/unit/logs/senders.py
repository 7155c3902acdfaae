"""A runner whose agent sends log lines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.shared.runner_ports import FollowedRunner
from cadence.domain.runners.runner import Runner, RunnerState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sender(
    state: RunnerState = RunnerState.CLAIMED,
    *,
    lease: float | None = 30,
    followed_until: datetime | None = None,
    **more: Any,
) -> FollowedRunner:
    """The first attempt of `build`, whose lease ends `lease` seconds after `NOW`."""
    runner = Runner(
        runner_id="run-1",
        run_id="run",
        treatment="build",
        attempt=1,
        organization="acme",
        project="shop",
        pool="linux",
        provider="host",
        state=state,
        created_at=NOW,
        lease_until=None if lease is None else NOW + timedelta(seconds=lease),
        **more,
    )
    return FollowedRunner(runner, followed_until)
