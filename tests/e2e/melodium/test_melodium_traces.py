"""Values followed from engine to engine, as real engines tell of them."""

import re
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import PROGRAMS, Engine, Ids, needs_engine, reaches_workers
from tests.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    reaches_workers,
]


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


def started_by(api: Api, run_id: str) -> list[str]:
    return [one["run_id"] for one in api.get(f"/v1/runs/{run_id}/following")["items"] if one["how"] == "started"]


def value(api: Api, run_id: str, treatment: str, port: str) -> Any:
    found = api.call("GET", f"/v1/runs/{run_id}/treatments/{treatment.replace('/', '%2F')}")
    outputs = found.json()["outputs"] if found.ok else []
    return next((one["value"] for one in outputs if one["port"] == port and one["value"]), None)


@pytest.fixture(scope="module")
def alike(engine: Engine, api: Api, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A run, and the three workers that it asked for, which were all given the same word and gave it back."""
    folder = tmp_path_factory.mktemp("alike")
    script = (PROGRAMS / "three_workers.mel").read_text()
    program = folder / "three_workers.mel"
    program.write_text(script.replace('word="second"', 'word="first"').replace('word="third"', 'word="first"'))
    ids = Ids()
    engine.run(
        str(program), ids, *(word for name in ("one", "two", "three") for word in (f"--{name}", str(folder / name)))
    )
    workers = started_by(api, ids.run)
    for run_id in (ids.run, *workers):
        assert api.finished(run_id)["state"] == "succeeded"
    for worker in workers:
        eventually(lambda worker=worker: value(api, worker, "main/Self", "word"))  # type: ignore[misc]
    for name in ("first", "second", "third"):
        eventually(lambda name=name: value(api, ids.run, f"main/{name}/recvBlock", "data"))  # type: ignore[misc]
    return ids.run, workers


def test_workers_that_answer_alike_are_told_apart_by_their_keys(alike: tuple[str, list[str]], cadence: Cadence) -> None:
    root, workers = alike
    origins = []
    for worker in workers:
        told = cadence("trace", worker, "main/passBlock.passed").stdout
        origins += re.findall(rf"main/(\w+)/emitWord\.emit .* in run {root}", told)
    assert sorted(origins) == ["first", "second", "third"]


def test_a_value_is_followed_forward_into_another_engine_and_back(
    alike: tuple[str, list[str]], cadence: Cadence
) -> None:
    root, workers = alike
    told = cadence("trace", root, "main/second/emitWord.emit", "--forward").stdout
    place = 0
    for step in (
        "main/second/sendBlock",
        "main/Self.word",
        "main/passBlock.passed",
        "main/second/recvBlock.data",
        root,
    ):
        found = told.find(step, place)
        assert found >= 0, f"{step} does not come after what is before it:\n{told}"
        place = found
    assert [worker in told for worker in workers].count(True) == 1


def test_which_runs_used_a_value_is_known_across_engines(
    alike: tuple[str, list[str]], api: Api, cadence: Cadence
) -> None:
    root, workers = alike
    told = cadence("trace", "--value", value(api, root, "main/first/emitWord", "emit")["sha256"]).stdout
    assert all(run_id in told for run_id in (root, *workers)), told


def test_a_run_shows_the_runs_that_its_engine_started(alike: tuple[str, list[str]], cadence: Cadence) -> None:
    root, workers = alike
    shown = cadence("show", root).stdout
    assert len(workers) == 3 and all(f"{worker}  melodium-worker" in shown for worker in workers)


def test_the_graph_of_an_engines_run(alike: tuple[str, list[str]], api: Api) -> None:
    graph = api.get(f"/v1/runs/{alike[0]}/graph")
    assert {"main/first/emitWord", "main/second/sendBlock"} <= {node["name"] for node in graph["nodes"]}
    edges = {(edge["source"], edge["target"]): edge for edge in graph["edges"]}
    assert edges["main/first/emitWord", "main/first/sendBlock"]["size"] == len(b'"first"\n')
