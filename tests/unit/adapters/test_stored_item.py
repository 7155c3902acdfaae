"""Items of earlier versions are read by this one."""

from datetime import UTC, datetime

from cadence.adapters.dynamodb.runners.runner_items import RunnerItem
from cadence.domain.runners.runner import Runner, RunnerState

CREATED = datetime(2026, 11, 30, 5, 0, 1, 250_000, UTC)


def test_a_runner_whose_times_are_texts_is_read() -> None:
    runner = Runner(
        runner_id="01run-build-1",
        run_id="01run",
        treatment="build",
        attempt=1,
        organization="default",
        project="default",
        pool="local",
        provider="host",
        state=RunnerState.COMPLETED,
        created_at=CREATED,
        claimed_at=CREATED,
    )
    stored = RunnerItem.of(runner).serialize()
    assert stored["created_at"] == {"N": "1796014801250000"}

    text = {"S": "2026-11-30T05:00:01.250000+0000"}
    names = {"runner_id": {"S": runner.runner_id}, "run_id": {"S": runner.run_id}}
    earlier = {**stored, **names, "created_at": text, "claimed_at": text}

    assert RunnerItem.from_raw_data(earlier).runner() == RunnerItem.from_raw_data(stored).runner() == runner
