"""A machine that is taken away while the real engine runs a program on it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.melodium.specification import engine_run_id
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import HAS_SECRETS, PROGRAMS, agent_environment, needs_engine
from tests.e2e.hosts import joined
from tests.unit.agent.test_notices import Metadata, aws
from tests.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 end without a report when they are interrupted"),
]

POOL = "taken-away"
DOCUMENT = f"""
cadence: 1
name: on-a-spot-machine
treatments:
  work: {{melodium: {{program: noticed.mel}}, pools: [{POOL}]}}
"""
NOTICE = "EC2 takes the spot instance back (terminate at 2030-01-01T12:02:00Z)"


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    """Announces nothing until the test has it do so."""
    metadata = Metadata()
    metadata.answer = lambda method, *_: (200, "session") if method == "PUT" else (404, "")
    yield metadata
    metadata.server.shutdown()
    metadata.server.server_close()


def announce_once(metadata: Metadata) -> None:
    """The next attempt runs on another machine, whose metadata service announces nothing."""
    before, left = metadata.answer, [1]

    def answer(method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        if method == "PUT" or not left:
            return before(method, path, headers)
        status, body = aws(method, path, headers)
        if status == 200:
            left.pop()
        return status, body

    metadata.answer = answer


@pytest.fixture
def pool(api: Api, stack: Stack, cadence: Cadence, metadata: Metadata, tmp_path: Path) -> Iterator[None]:
    """A pool with one host, whose agents ask the metadata service."""
    body = {"provider": "host", "settings": {"require_sandbox": False}}
    assert api.call("PUT", f"/v1/pools/{POOL}", json=body).ok
    notices = {"CADENCE_NOTICES": "aws", "CADENCE_NOTICES_URL": metadata.url}
    with joined(stack, cadence, POOL, tmp_path, 2, environment={**agent_environment(), **notices}) as name:
        yield
    hosts = json.loads(cadence("host", "list", "--json").stdout)
    for host in hosts:
        if host["name"] == name:
            cadence("host", "remove", host["host_id"])
    assert api.call("DELETE", f"/v1/pools/{POOL}").ok


def work(run: dict[str, Any]) -> dict[str, Any]:
    (found,) = (one for one in run["treatments"] if one["name"] == "work")
    return dict(found)


def texts(api: Api, run_id: str, **filters: Any) -> list[str]:
    """What an engine has printed or reported, without the time in front of it."""
    found = api.get(f"/v1/runs/{run_id}/logs", limit=1000, **filters)["lines"]
    return [line["text"].partition("] ")[2] or line["text"] for line in found]


def test_a_notice_ends_the_engine_gracefully_and_the_next_attempt_begins(
    api: Api, cadence: Cadence, metadata: Metadata, pool: None, tmp_path: Path
) -> None:
    shutil.copy(PROGRAMS / "noticed.mel", tmp_path)
    (tmp_path / "document.yaml").write_text(DOCUMENT)
    run_id = cadence("run", str(tmp_path / "document.yaml")).stdout.split()[0]
    said = "info: noticed: before the notice"
    eventually(lambda: said in texts(api, run_id, treatment="work"), pause=0.2)
    announce_once(metadata)
    eventually(lambda: texts(api, run_id, treatment="work").count(said) == 2, pause=0.2)

    told = api.get(f"/v1/runs/{run_id}/treatments/work")
    assert [(one["attempt"], one["note"]) for one in told["history"] if one["state"] == "interrupted"] == [(1, NOTICE)]
    assert [(one["attempt"], one["error"]) for one in told["runners"]] == [(2, None), (1, NOTICE)]
    # The engine uploads its value and its lines as it ends; there was no reason to do so before.
    engine = engine_run_id(run_id, "work", 1)
    ended = api.finished(engine)
    assert (ended["state"], ended["cause"]) == ("cancelled", "the engine was interrupted by SIGTERM")
    interrupted = "interrupted by SIGTERM, ending within 10 seconds"
    eventually(lambda: texts(api, engine) == ["before the notice", interrupted], pause=0.2)
    assert api.content(engine, "main%2Fword", "emit") == b'"before the notice"\n'

    # A cancellation ends the next attempt in the same way.
    cadence("cancel", run_id)
    run = api.finished(run_id)
    assert (run["state"], work(run)["state"], work(run)["attempt"]) == ("cancelled", "cancelled", 2)
    ended = api.finished(engine_run_id(run_id, "work", 2))
    assert (ended["state"], ended["cause"]) == ("cancelled", "the engine was interrupted by SIGTERM")
