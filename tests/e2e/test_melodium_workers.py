"""Workers that real Mélodium engines ask the stack for."""

import time
from pathlib import Path

import pytest

from cadence.domain.melodium.certificate import BUILT_IN_UNTIL
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.engine import VERSION, Engine, Ids, needs_engine

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    pytest.mark.skipif(
        time.time() > BUILT_IN_UNTIL[VERSION].timestamp(), reason="the certificate built into the engine has ended"
    ),
]


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


def workers_of(api: Api, ids: Ids) -> list[str]:
    runs = api.get("/v1/runs?pipeline=melodium-worker&limit=50")["items"]
    return [run["run_id"] for run in runs if run["started_by_run"] == ids.run]


def test_a_worker_is_dispatched_and_values_stream_both_ways(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids, given, answer = Ids(), tmp_path / "given", tmp_path / "answer"
    given.write_text("  said from afar \n")
    said = engine.run("dispatching.mel", ids, "--given", str(given), "--answer", str(answer))
    assert answer.read_text() == "said from afar", said
    (worker,) = workers_of(api, ids)
    run = api.finished(worker)
    assert (run["state"], run["cause"]) == ("succeeded", None)
    (treatment,) = run["treatments"]
    assert (treatment["name"], treatment["state"], treatment["pool"]) == ("worker", "succeeded", "local")


def test_what_no_pool_can_ever_hold_is_refused_at_once(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids = Ids()
    words = ("--given", "x", "--answer", str(tmp_path / "answer"), "--memory", "4000000000")
    said = engine.run("dispatching.mel", ids, *words)
    assert "no pool can hold the worker: pool local has at most" in said
    assert workers_of(api, ids) == []
