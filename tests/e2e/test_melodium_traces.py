"""Values followed from engine to engine, as real engines tell of them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.melodium.certificate import BUILT_IN_UNTIL
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import PROGRAMS, VERSION, Engine, Ids, needs_engine

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


def started_by(api: Api, run_id: str) -> list[str]:
    return [one["run_id"] for one in api.get(f"/v1/runs/{run_id}/following")["items"] if one["how"] == "started"]


def taken_in(ask: Callable[[], Any]) -> Any:
    """Once it is there: reports come some seconds after a run has ended."""
    give_up = time.monotonic() + 60
    while not (found := ask()):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return found


def value(api: Api, run_id: str, treatment: str, port: str) -> Any:
    found = api.call("GET", f"/v1/runs/{run_id}/treatments/{treatment.replace('/', '%2F')}")
    outputs = found.json()["outputs"] if found.ok else []
    return next((one["value"] for one in outputs if one["port"] == port and one["value"]), None)


@pytest.fixture(scope="module")
def nested(engine: Engine, api: Api, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """A root run, the worker that it asked for, and the one that this worker asked for."""
    ids, answer = Ids(), tmp_path_factory.mktemp("nested") / "answer"
    said = engine.run("nesting.mel", ids, "--word", "there and back", "--answer", str(answer))
    workers = {run["run_id"]: (run["cause"], api.lines(run["run_id"])) for run in api.get("/v1/runs")["items"]}
    assert answer.exists() and answer.read_text() == "there and back", f"{said}\n{workers}"
    (middle,) = started_by(api, ids.run)
    (inner,) = started_by(api, middle)
    for run_id in (ids.run, middle, inner):
        assert api.finished(run_id)["state"] == "succeeded"
        taken_in(lambda run_id=run_id: api.run(run_id)["treatments"])  # type: ignore[misc]
    taken_in(lambda: value(api, inner, "main/Self", "word"))
    taken_in(lambda: value(api, ids.run, "main/through/take", "data"))
    return ids.run, middle, inner


def test_workers_ask_for_workers_themselves(nested: tuple[str, str, str], api: Api, cadence: Cadence) -> None:
    root, middle, inner = nested
    runs = {run_id: api.run(run_id) for run_id in nested}
    assert [runs[each]["started_by_run"] for each in nested] == [None, root, middle]
    assert {run["melodium"]["group_id"] for run in runs.values()} == {runs[root]["melodium"]["group_id"]}
    assert [line["text"] for line in api.lines(inner) if line["treatment"] == "inner"] == ["heard it"]
    shown = cadence("show", root).stdout
    assert f"{middle}  melodium-worker" in shown and inner not in shown
    assert f"{inner}  melodium-worker" in cadence("show", middle).stdout


def test_a_value_is_followed_forward_through_all_engines_and_back(
    nested: tuple[str, str, str], api: Api, cadence: Cadence
) -> None:
    root, middle, inner = nested
    told = cadence("trace", root, "main/saying.emit", "--forward").stdout
    way = ["main/saying.emit", middle, "main/Self.word", inner, "main/passOn.passed", "main/write"]
    missing = [step for step in way if step not in told]
    assert not missing, told
    back = cadence("trace", root, "main/through/take.data").stdout
    place = 0
    for step in (middle, "main/through/take.data", inner, "main/passOn.passed", "main/Self.word", "main/saying.emit"):
        found = back.find(step, place)
        assert found >= 0, f"{step} does not come after what is before it:\n{back}"
        place = found


def test_which_runs_used_a_value_is_known_across_engines(
    nested: tuple[str, str, str], api: Api, cadence: Cadence
) -> None:
    root, middle, inner = nested
    sha256 = value(api, root, "main/saying", "emit")["sha256"]
    told = cadence("trace", "--value", sha256).stdout
    for run_id in nested:
        assert run_id in told
    uses = api.get(f"/v1/projects/default/values/{sha256}/uses", limit=200)["items"]
    assert {(one["run_id"], f"{one['treatment']}.{one['port']}") for one in uses} >= {
        (root, "main/saying.emit"), (middle, "main/Self.word"), (inner, "main/Self.word"), (inner, "main/passOn.passed"),
    }  # fmt: skip


def test_workers_that_answer_alike_are_told_apart_by_their_keys(engine: Engine, api: Api, tmp_path: Path) -> None:
    script = (PROGRAMS / "three_workers.mel").read_text()
    alike = tmp_path / "three_workers.mel"
    alike.write_text(script.replace('word="second"', 'word="first"').replace('word="third"', 'word="first"'))
    ids, names = Ids(), ("first", "second", "third")
    words = [word for name, flag in zip(names, ("one", "two", "three"), strict=True) for word in (f"--{flag}", str(tmp_path / name))]  # fmt: skip
    engine.run(str(alike), ids, *words)
    workers = started_by(api, ids.run)
    assert len(workers) == 3
    origins: dict[str, str] = {}
    for worker in workers:
        assert api.finished(worker)["state"] == "succeeded"
        taken_in(lambda worker=worker: value(api, worker, "main/Self", "word"))  # type: ignore[misc]
        trace = api.get(f"/v1/runs/{worker}/provenance", port="main/passBlock.passed")
        sent = [node["id"] for node in trace["nodes"] if node["id"].startswith(f"value:{ids.run}/")]
        origins[worker] = "; ".join(sent)
    assert sorted(origins.values()) == [f"value:{ids.run}/main/{name}/emitWord.emit" for name in names]


def test_the_graph_of_an_engines_run(nested: tuple[str, str, str], api: Api) -> None:
    root, _, _ = nested
    graph = api.get(f"/v1/runs/{root}/graph")
    assert {"main/saying", "main/through/give", "main/write"} <= {node["name"] for node in graph["nodes"]}
    edges = {(edge["source"], edge["target"]): edge for edge in graph["edges"]}
    assert edges["main/saying", "main/through/give"]["size"] == len(b'"there and back"\n')
