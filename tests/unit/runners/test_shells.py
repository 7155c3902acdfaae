"""Shells on runners: who may ask for one, who may join, and that a right that has ended ends them."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import token_hash
from cadence.application.runners.shells import JoinShell, OpenShell, PermittedShells, is_shell_id
from cadence.domain.access.access import Principal
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerShell, RunnerState
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tests.fakes.audit import MemoryAuditTrail
from tests.fakes.runners import MemoryRunnerStore

NOW = datetime(2026, 3, 4, 5, 30, tzinfo=UTC)
RUN_ID = "01jz0000000000000000000000"
RUN = Run(
    run_id=RUN_ID, organization="acme", project="site", pipeline="p", state=RunState.RUNNING, created_at=NOW,
    document_sha256="", plan_sha256="",
)  # fmt: skip
RUNNER_ID = ids.runner_id(RUN_ID, "build", 1)
RUNNER = Runner(
    runner_id=RUNNER_ID, run_id=RUN_ID, treatment="build", attempt=1, organization="acme", project="site",
    pool="linux", provider="host", state=RunnerState.CLAIMED, created_at=NOW, session_hash=token_hash("session"),
)  # fmt: skip
ADA = Principal(token_id="t1", name="ada", organization="acme", project="site", permissions=frozenset({"runs:shell"}))
TREATMENT = Treatment(run_id=RUN_ID, name="build", state=TreatmentState.RUNNING, waiting=0, attempt=1)
SPEC = cast(TreatmentSpec, type("Spec", (), {"kind": TreatmentKind.COMMAND, "engine": None}))


class World:
    """One runner at work, and tokens by what is shown."""

    def __init__(self) -> None:
        self.runners = MemoryRunnerStore()
        self.runners.put_runner(RUNNER)
        self.trail = MemoryAuditTrail()
        self.tokens = {"ada": ADA, "bob": replace(ADA, token_id="t2", name="bob")}
        self.open = OpenShell(cast(Any, self.runners))
        self.permitted = PermittedShells(cast(Any, self), cast(Any, self))
        self.join = JoinShell(
            runners=cast(Any, self.runners),
            sessions=RunnerSessions(cast(Any, self.runners)),
            permitted=self.permitted,
            audited=partial(AuditedRequest, self.trail, lambda: NOW),
        )

    def authenticate(self, authorization: str, organization: str) -> Principal:
        assert organization == "acme"
        try:
            return self.tokens[authorization.removeprefix("Bearer ")]
        except KeyError:
            raise Unauthenticated("unknown") from None

    def of_token(self, token_id: str, organization: str) -> Principal:
        assert organization == "acme"
        for one in self.tokens.values():
            if one.token_id == token_id:
                return one
        raise Unauthenticated("unknown")

    def get_run(self, run_id: str) -> Run:
        assert run_id == RUN_ID
        return RUN

    @property
    def runner(self) -> Runner:
        return self.runners.get_runner(RUNNER_ID)

    @property
    def records(self) -> list[tuple[str, str, str, str]]:
        return [(one.action, str(one.kind), one.actor, one.outcome) for one in self.trail.noted]


def test_a_shell_is_known_to_the_runner_until_its_right_ends() -> None:
    world = World()
    shell_id, runner = world.open.open(ADA, SPEC, TREATMENT)
    assert is_shell_id(shell_id)
    assert runner.shells == {shell_id: RunnerShell("t1", "ada")} == world.runner.shells
    assert world.permitted.of(world.runner) == {shell_id: "ada"}

    world.tokens["ada"] = replace(ADA, permissions=frozenset({"runs:read"}))
    assert world.permitted.of(world.runner) == {}
    world.tokens["ada"] = replace(ADA, project="another")
    assert world.permitted.of(world.runner) == {}
    del world.tokens["ada"]
    assert world.permitted.of(world.runner) == {}


def test_a_runner_keeps_the_newest_shells() -> None:
    world = World()
    opened = [world.open.open(ADA, SPEC, TREATMENT)[0] for _ in range(11)]
    assert list(world.runner.shells) == opened[3:]


@pytest.mark.parametrize(
    ("state", "spec", "treatment"),
    [
        (RunnerState.BOOTING, SPEC, TREATMENT),
        (RunnerState.COMPLETED, SPEC, TREATMENT),
        (RunnerState.CLAIMED, SPEC, replace(TREATMENT, attempt=2)),
        (RunnerState.CLAIMED, type("Spec", (), {"kind": TreatmentKind.GATHER, "engine": None}), TREATMENT),
        (RunnerState.CLAIMED, type("Spec", (), {"kind": TreatmentKind.COMMAND, "engine": "one"}), TREATMENT),
    ],
    ids=["booting", "completed", "no-runner", "group", "engine"],
)
def test_a_shell_needs_a_command_that_a_runner_runs(state: RunnerState, spec: Any, treatment: Treatment) -> None:
    world = World()
    world.runners.change_runner(RUNNER_ID, RunnerState, state=state)
    with pytest.raises(Conflict):
        world.open.open(ADA, spec, treatment)
    assert world.runner.shells == {}


def test_both_ends_join_and_are_recorded() -> None:
    world = World()
    shell_id, _ = world.open.open(ADA, SPEC, TREATMENT)
    world.join.check_user(RUN_ID, shell_id, RUNNER_ID, "ada", "192.0.2.1")
    world.join.check_runner(RUN_ID, shell_id, RUNNER_ID, "session")
    assert world.records == [
        ("join_shell", "change", "t1", "accepted"),
        ("join_shell", "change", f"runner:{RUNNER_ID}", "accepted"),
    ]
    assert world.trail.noted[0].target == f"/v1/runs/{RUN_ID}/shells/{shell_id}"


def test_nobody_joins_a_shell_of_others() -> None:
    world = World()
    shell_id, _ = world.open.open(ADA, SPEC, TREATMENT)
    with pytest.raises(NotFound):
        world.join.check_user(RUN_ID, shell_id, RUNNER_ID, "bob")
    with pytest.raises(Unauthenticated):
        world.join.check_user(RUN_ID, shell_id, RUNNER_ID, "stranger")
    with pytest.raises(NotFound):
        world.join.check_user(RUN_ID, "0" * 32, RUNNER_ID, "ada")
    with pytest.raises(NotFound):
        world.join.check_user("another", shell_id, RUNNER_ID, "ada")
    with pytest.raises(NotFound):
        world.join.check_user(RUN_ID, shell_id, "another", "ada")
    with pytest.raises(Forbidden):
        world.join.check_runner(RUN_ID, "0" * 32, RUNNER_ID, "session")
    with pytest.raises(Unauthenticated):
        world.join.check_runner(RUN_ID, shell_id, RUNNER_ID, "wrong")

    world.tokens["ada"] = replace(ADA, permissions=frozenset())
    with pytest.raises(Forbidden):
        world.join.check_user(RUN_ID, shell_id, RUNNER_ID, "ada")
    assert [record[1:] for record in world.records] == [
        ("refusal", f"runner:{RUNNER_ID}", "forbidden"),
        ("refusal", f"runner:{RUNNER_ID}", "unauthenticated"),
        ("refusal", "t1", "forbidden"),
    ]
