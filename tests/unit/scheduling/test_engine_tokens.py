"""The token of a runner's engine ends with the runner, however that ended."""

import dataclasses
from typing import Any

import pytest

from cadence.application.melodium.engine_secrets import RevokeEngineToken, reporting
from cadence.application.melodium.run_tokens import RunTokens
from cadence.domain.access.access import ApiToken
from cadence.domain.melodium.specification import ProgramSpec, WorkerSpec
from cadence.domain.pipelines.specification import RetrySpec
from cadence.domain.runs.states import TreatmentState
from tests.unit.scheduling.setting import RUN, Setting, spec

PROGRAM, WORKER = (
    ProgramSpec(program="sha", entrypoint="main", treatment="x::main"),
    WorkerSpec(version="0.10.2", group_id="group"),
)


class Tokens:
    def __init__(self) -> None:
        self.valid: dict[str, ApiToken] = {}

    def put_run_token(self, token: ApiToken) -> None:
        self.valid[token.token_id] = token

    def delete_run_token(self, token_id: str) -> None:
        self.valid.pop(token_id, None)


class World:
    def __init__(self, engine: Any) -> None:
        self.setting, self.tokens = Setting(), Tokens()
        setting = self.setting
        self.issued = RunTokens(self.tokens, setting.clock)
        revoke = RevokeEngineToken(setting.runs.get_spec, setting.runs, self.issued)
        setting.settling = dataclasses.replace(setting.settling, ended=revoke.revoke)
        setting.admitted(spec("x", engine=engine, retry=RetrySpec(infrastructure=1)))

    def claimed(self) -> None:
        """The current attempt runs, and its engine has a token."""
        self.setting.running("x")
        run = self.setting.runs.get_run(RUN)
        attempt = self.setting.treatment("x").attempt
        self.issued.issue(reporting(run, self.setting.runs.get_spec(RUN, "x"), attempt))


@pytest.mark.parametrize("engine", [PROGRAM, WORKER])
@pytest.mark.parametrize("error", ["RunnerLost", "TimedOut", "Cancelled"])
def test_a_runner_that_says_nothing_any_more_leaves_no_token(engine: Any, error: str) -> None:
    world = World(engine)
    world.claimed()
    assert len(world.tokens.valid) == 1
    world.setting.failed_with("x", error)
    assert world.tokens.valid == {}


@pytest.mark.parametrize("engine", [PROGRAM, WORKER])
def test_a_settlement_that_is_repeated_late_leaves_the_next_attempt_its_token(engine: Any) -> None:
    world = World(engine)
    world.claimed()
    assert world.setting.failed_with("x", "RunnerLost") == "retry"
    world.claimed()
    assert len(world.tokens.valid) == 1
    world.setting.settle("x", 1)
    assert len(world.tokens.valid) == 1
    assert world.setting.treatment("x").state is TreatmentState.RUNNING


def test_nothing_is_looked_up_for_what_has_no_engine() -> None:
    world = World(None)
    world.setting.settling = dataclasses.replace(world.setting.settling, ended=lambda _: pytest.fail("asked"))
    world.setting.running("x")
    world.setting.failed_with("x", "Cancelled")
    assert world.setting.treatment("x").state is TreatmentState.CANCELLED
