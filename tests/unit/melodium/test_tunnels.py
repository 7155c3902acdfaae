"""The two ends of a tunnel join with a token of their own, which is recorded, as is why one is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import TokenRefused, issue_token
from cadence.application.melodium.processes import Processes
from cadence.application.melodium.tunnels import TunnelName, Tunnels, TunnelSide
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import token_hash
from cadence.domain.access.access import Principal
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Forbidden, NotFound, Unauthenticated
from tests.fakes.audit import MemoryAuditTrail

NOW = datetime(2026, 3, 4, 5, 30, tzinfo=UTC)
RUN = Run(
    run_id="run", organization="acme", project="site", pipeline="p", state=RunState.RUNNING, created_at=NOW,
    document_sha256="", plan_sha256="",
    melodium=MelodiumRun(group_id="g", position="0", version="0.11.0", mode="direct"),
)  # fmt: skip
RUNNER = Runner(
    runner_id="r1", run_id="run", treatment="make", attempt=1, organization="acme", project="site", pool="linux",
    provider="host", state=RunnerState.CLAIMED, created_at=NOW, session_hash=token_hash("session"),
)  # fmt: skip
ENGINE = Principal(
    token_id="t1", name="ci", organization="acme", project="site", permissions=frozenset({"melodium:dispatch"})
)
EXPIRED, _ = issue_token("acme", "site", "ci", frozenset(), "test", NOW)


class World:
    """Two ends, and what is posted to their connections."""

    def __init__(self) -> None:
        self.trail = MemoryAuditTrail()
        self.posted: list[tuple[str, str]] = []
        self.joined: dict[TunnelSide, str] = {}
        self.checked: list[tuple[str, ...]] = []
        self.tunnels = Tunnels(
            ends=cast(Any, self),
            sockets=cast(Any, self),
            authenticate=self.authenticate,
            audited=partial(AuditedRequest, self.trail, lambda: NOW),
            processes=Processes(cast(Any, self)),
            sessions=RunnerSessions(cast(Any, self)),
            shells=cast(Any, self),
        )

    def authenticate(self, authorization: str | None) -> Principal:
        match authorization:
            case "Bearer engine":
                return ENGINE
            case "Bearer reader":
                return replace(ENGINE, permissions=frozenset({"runs:read"}))
            case "Bearer expired":
                raise TokenRefused.of(EXPIRED)
        raise Unauthenticated("unknown")

    def get_run(self, run_id: str) -> Run:
        if run_id != RUN.run_id:
            raise NotFound("no such run")
        return RUN

    def get_runner(self, runner_id: str) -> Runner:
        if runner_id != RUNNER.runner_id:
            raise NotFound("no such runner")
        return RUNNER

    def put(self, tunnel: TunnelName, side: TunnelSide, connection_id: str) -> None:
        self.joined[side] = connection_id

    def get(self, tunnel: TunnelName) -> dict[TunnelSide, str]:
        return dict(self.joined)

    def post(self, connection_id: str, message: str) -> None:
        self.posted.append((connection_id, json.loads(message)["kind"]))

    def check_user(self, run_id: str, shell_id: str, runner_id: str, token: str, source: str = "") -> None:
        self.checked.append(("user", run_id, shell_id, runner_id, token))

    def check_runner(self, run_id: str, shell_id: str, runner_id: str, token: str, source: str = "") -> None:
        self.checked.append(("runner", run_id, shell_id, runner_id, token))

    @property
    def records(self) -> list[tuple[str, str, str]]:
        return [(str(one.kind), one.actor, one.outcome) for one in self.trail.noted]


def test_both_ends_join_and_are_recorded_once_an_hour() -> None:
    world = World()
    for connection in ("a", "a2"):
        world.tunnels.join_asking(connection, "run", "engine", "192.0.2.1")
    world.tunnels.join_worker("b", "run", "r1", "session")

    assert world.joined == {TunnelSide.ASKING: "a2", TunnelSide.WORKER: "b"}
    assert world.records == [("change", "t1", "accepted"), ("change", "runner:r1", "accepted")]
    entry = world.trail.noted[0]
    assert (entry.action, entry.target, entry.project, entry.source) == (
        "join_tunnel", "/v1/runs/run/tunnel", "site", "192.0.2.1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "error", "records"),
    [
        ("reader", Forbidden, [("refusal", "t1", "forbidden")]),
        ("expired", TokenRefused, [("refusal", EXPIRED.token_id, "unauthenticated")]),
        ("stranger", Unauthenticated, []),
    ],
    ids=["reader", "expired", "stranger"],
)
def test_an_engine_that_is_refused_is_recorded_if_it_is_known(
    token: str, error: type[Exception], records: list[tuple[str, str, str]]
) -> None:
    world = World()
    for _ in range(2):
        with pytest.raises(error):
            world.tunnels.join_asking("a", "run", token)
    assert world.records == records
    assert world.joined == {}


def test_a_worker_that_is_refused_is_recorded() -> None:
    world = World()
    with pytest.raises(Unauthenticated):
        world.tunnels.join_worker("b", "run", "r1", "wrong")
    with pytest.raises(Forbidden):
        world.tunnels.join_worker("b", "another", "r1", "session")
    with pytest.raises(Unauthenticated):
        world.tunnels.join_worker("b", "run", "unknown", "session")
    assert world.records == [
        ("refusal", "runner:r1", "unauthenticated"),
        ("refusal", "runner:r1", "forbidden"),
    ]
    assert world.joined == {}


def test_the_ends_of_a_shell_are_checked_and_meet() -> None:
    world = World()
    tunnel = TunnelName("run", "0" * 32)
    world.tunnels.join_shell("a", tunnel, TunnelSide.ASKING, "r1", "users")
    world.tunnels.join_shell("b", tunnel, TunnelSide.WORKER, "r1", "session")
    assert world.checked == [("user", "run", "0" * 32, "r1", "users"), ("runner", "run", "0" * 32, "r1", "session")]
    assert world.posted == [("a", "joined"), ("a", "peer"), ("b", "joined")]
    world.tunnels.pass_on("a", tunnel, TunnelSide.ASKING, "ls")
    assert world.posted[-1] == ("b", "data")
    with pytest.raises(Forbidden):
        world.tunnels.pass_on("c", tunnel, TunnelSide.ASKING, "ls")
