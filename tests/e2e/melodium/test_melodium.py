"""Real Mélodium engines that report to the stack."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.ports import first_free
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import HAS_SECRETS, PROGRAMS, Engine, Ids, detailed, is_listening, needs_engine, secret
from tests.waiting import last_look

pytestmark = [pytest.mark.engine, needs_engine]

LARGEST = "340282366920938463463374607431768211455"


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


@pytest.fixture(scope="module")
def counted(engine: Engine, api: Api) -> dict[str, Any]:
    ids = Ids()
    engine.run("counting.mel", ids)
    return api.finished(ids.run)


def test_a_program_is_a_run(counted: dict[str, Any], api: Api) -> None:
    assert (counted["state"], counted["cause"], counted["pipeline"]) == ("succeeded", None, "melodium-main")
    assert counted["run_id"] in [each["run_id"] for each in api.get("/v1/runs")["items"]]
    assert [line["text"] for line in api.lines(counted["run_id"])] == ["counted"]


def test_nested_treatments_are_rebuilt(counted: dict[str, Any]) -> None:
    states = {each["name"]: each["state"] for each in counted["treatments"]}
    assert set(states.values()) == {"succeeded"}
    assert {"main/numbers", "main/numbers/sink/count", "main/words/fill", "main/over/logBlock"} <= set(states)


def test_numbers_keep_all_their_digits(counted: dict[str, Any], api: Api) -> None:
    run_id = counted["run_id"]
    seen = api.get(f"/v1/runs/{run_id}/treatments/main%2Fnumbers%2FnumberStream")
    assert seen["spec"]["element"]["generics"] == {"T": "u128"}
    assert [(one["port"], one["type"], one["source"]) for one in seen["inputs"]] == [
        ("block", "u128", "main/numbers/emitNumber.emit")
    ]
    assert api.content(run_id, "main%2Fnumbers%2FnumberStream", "stream").decode() == f"{LARGEST}\n"
    maker = api.get(f"/v1/runs/{run_id}/treatments/main%2Fnumbers%2FemitNumber")
    assert maker["spec"]["element"]["parameters"] == {"value": LARGEST}


@pytest.mark.parametrize("run", ["once", "again"])
def test_equal_parts_have_their_own_names_in_each_run(engine: Engine, api: Api, run: str) -> None:
    ids = Ids()
    engine.run("twice.mel", ids)
    assert api.finished(ids.run)["state"] == "succeeded"
    labels = ("first", "second", "third")
    words = {label: api.content(ids.run, f"main%2F{label}%2FemitWord", "emit") for label in labels}
    assert words == {label: f'"{label}"\n'.encode() for label in labels}


def test_secrets_are_not_kept(counted: dict[str, Any], api: Api) -> None:
    document = api.call("GET", f"/v1/runs/{counted['run_id']}/document")
    assert "hidden-from-all" not in json.dumps(counted) + document.text


def test_lines_are_readable_while_the_engine_runs(engine: Engine, api: Api) -> None:
    ids = Ids()
    words = ("run", "--api-report", str(PROGRAMS / "live.mel"), "--rest", "60")
    with engine.running(*words, ids=ids) as process:

        def read() -> list[str]:
            found = api.call("GET", f"/v1/runs/{ids.run}/logs")
            return [line["text"] for line in found.json()["lines"]] if found.ok else []

        texts = last_look(read, lambda texts: len(texts) >= 2, 50, pause=0.1)
        assert process.poll() is None
        assert texts == ["the first line", "the second line"]


@pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 report all values, and have no secrets")
def test_an_engine_that_reports_without_values_is_told_so_and_which_secrets_it_used(
    engine: Engine, api: Api, cadence: Cadence, tmp_path: Path
) -> None:
    ids = Ids()
    program = str(PROGRAMS / "sealed" / "Compo.toml")
    words = ("run", "--api-report", program, "main", "--word", secret("open-sesame", tmp_path))
    with engine.running(*words, ids=ids) as process:
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert api.finished(ids.run)["state"] == "succeeded"
    # The exit code goes from the command to the line that shows it.
    port = "main/opened/check.exit"
    missing = "1 value, which the engine did not report: start it with --debug-level detailed, "
    missing += "or in a pool that captures full values"
    shown = cadence("show", ids.run, "main/opened/check").stdout
    (line,) = (line for line in shown.splitlines() if line.split()[:1] == ["exit"])
    assert line.endswith(missing), shown
    received = cadence("show", ids.run, "main/said").stdout
    assert missing in received, received
    told = cadence("value", "show", ids.run, port, status=1).stderr
    assert f"{port} sent {missing}" in " ".join(told.split())
    traced = cadence("trace", ids.run, port).stdout
    assert f"{port}  ({missing})" in traced, traced
    (user,) = (one["name"] for one in api.run(ids.run)["treatments"] if one["name"].endswith("/spawnOneTerminable"))
    used = cadence("show", ids.run, user).stdout
    assert re.search(r"secret +\S+Z file:\S+ revealed", used), used


@pytest.fixture(scope="module")
def talked(engine: Engine, api: Api, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A root run and the worker that it talked to, started by hand."""
    worker, root, folder = Ids(), Ids(), tmp_path_factory.mktemp("keys")
    root = Ids(root.run, worker.group)
    port, own, theirs = first_free(), str(uuid.uuid4()), str(uuid.uuid4())
    listen = ("--ip", "127.0.0.1", "--port", str(port), "--localhost", "--wait", "60", "--duration", "60")
    with engine.running(
        "dist", *listen, "--recv-key", theirs, "--send-key", own, "--api-report", *detailed(), ids=worker
    ) as process:
        last_look(lambda: is_listening(port) or process.poll() is not None, bool, pause=0.1)
        keys = ("--worker_key", secret(theirs, folder), "--own_key", secret(own, folder))
        engine.run("echo.mel", root, "--port", str(port), *keys)
        process.wait(120)
    for run_id in (root.run, worker.run):
        assert api.finished(run_id)["state"] == "succeeded"
    return root.run, worker.run


def test_what_a_worker_logs_is_there_once(talked: tuple[str, str], api: Api) -> None:
    root, worker = talked
    assert [line["text"] for line in api.lines(worker)] == ["heard it"]
    assert [line["text"] for line in api.lines(root)] == ["it came back"]


def test_a_value_is_traced_through_two_engines(talked: tuple[str, str], api: Api, cadence: Cadence) -> None:
    root, worker = talked
    assert api.content(root, "main%2Fcheck", "passed") == b'"hello over there"\n'
    told = cadence("trace", root, "main/check.passed").stdout
    way = ["main/check.passed", "main/talk/take.data", "main/through.passed", worker, "main/Self.text"]
    way += ["main/talk/saying.emit", root]
    place = 0
    for step in way:
        found = told.find(step, place)
        assert found >= 0, f"{step} does not come after what is before it:\n{told}"
        place = found
