"""The real engine on a machine that is taken away: it is asked to end, and reports before it does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.engine import HAS_SECRETS, PROGRAMS, needs_engine
from tests.integration.agent.conftest import PATIENCE, Start
from tests.integration.agent.fake_gateway import FakeGateway
from tests.integration.agent.melodium.test_melodium_programs import Program, given
from tests.integration.agent.melodium.test_melodium_programs import engine as engine
from tests.integration.agent.melodium.test_melodium_programs import program as program
from tests.unit.agent.test_notices import Metadata
from tests.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 end without a report when they are interrupted"),
]

TOKEN = "token-of-an-interrupted-engine"
NOTICE = "Azure announces Preempt of the machine, not before now"


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    metadata = Metadata()
    metadata.answer = lambda *_: (200, json.dumps({"Events": []}))
    yield metadata
    metadata.server.shutdown()
    metadata.server.server_close()


def lines(text: list[str]) -> list[str]:
    return [line.partition("] ")[2] for line in text]


@pytest.mark.parametrize(
    ("script", "last"),
    [
        pytest.param("exec sleep 600", [], id="which ends with its command"),
        pytest.param(
            "trap '' TERM; sleep 600",
            ["error: melodium: still running at the end of the grace period, stopping"],
            id="whose command goes on",
        ),
    ],
)
def test_a_notice_gives_the_engine_time_to_end(
    gateway: FakeGateway,
    program: Program,
    start: Start,
    metadata: Metadata,
    workspaces: Path,
    script: str,
    last: list[str],
) -> None:
    gateway.api_tokens.add(TOKEN)
    runner = program(
        "main",
        PROGRAMS / "noticed.mel",
        treatment="noticed::main",
        parameters={"script": given("string", script)},
        secrets={"api_token": TOKEN},
    )
    start(runner, env={"CADENCE_NOTICES": "azure", "CADENCE_NOTICES_URL": metadata.url})
    eventually(lambda: "info: noticed: before the notice" in lines(runner.text()))
    metadata.answer = lambda *_: (200, json.dumps({"Events": [{"EventType": "Preempt"}]}))
    assert runner.done.wait(PATIENCE)
    assert runner.completed and (runner.completed["outcome"], runner.completed["error"]) == ("interrupted", NOTICE)
    assert lines(runner.text()) == [
        "info: noticed: before the notice",
        "warning: melodium: interrupted by SIGTERM, ending within 10 seconds",
        *last,
    ]
    assert gateway.engine_requests[-1][0] == "/execution/run/ended"
    eventually(lambda: not list(workspaces.glob("cadence-*")))
