"""Replays of the examples' treatments, of what depends on more than its inputs, and of what is no longer kept."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence
from tests.e2e.github_events import deliver, repository
from tests.git.repositories import Repository, served
from tests.programs import bubblewrap
from tests.waiting import eventually

pytestmark = pytest.mark.slow

EXAMPLES = CHECKOUT / "examples"
SECRET = "a webhook's secret, long enough"
# Hosts cut commands off the network with bubblewrap.
CUTS_OFF_NETWORKS = bubblewrap() is not None


def started(api: Api, run_id: str, treatment: str, **how: Any) -> str:
    answer = api.call("POST", f"/v1/runs/{run_id}/treatments/{treatment}/replay", json=how)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


def refused(api: Api, run_id: str, treatment: str, status: int) -> str:
    answer = api.call("POST", f"/v1/runs/{run_id}/treatments/{treatment}/replay", json={})
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def compared(api: Api, replay: str) -> dict[str, Any]:
    api.finished(replay)
    return dict(api.get(f"/v1/runs/{replay}/comparison"))


def replayed(api: Api, run_id: str, *treatments: str) -> dict[str, dict[str, Any]]:
    """All at once: the comparison of each."""
    replays = {name: started(api, run_id, name) for name in treatments}
    return {name: compared(api, replay) for name, replay in replays.items()}


def assert_deterministic(found: dict[str, dict[str, Any]]) -> None:
    assert {name: (one["verdict"], one["first"]) for name, one in found.items()} == dict.fromkeys(
        found, ("deterministic", None)
    )


def likely(found: dict[str, Any]) -> list[str]:
    return [guess["kind"] for guess in found["depends_on"] if guess["confidence"] == "likely"]


def examples_by_hand() -> dict[str, str]:
    """Those that anybody can start here: the others begin with an event, hold mistakes, or need Mélodium's engine.

    The first are replayed below (check-repository) and in test_monorepo.
    """
    texts = {path.stem: path.read_text() for path in sorted(EXAMPLES.glob("*.yaml"))}
    return {
        name: text
        for name, text in texts.items()
        if name != "ten-mistakes" and "\non:" not in text and "melodium:" not in text
    }


def test_every_treatment_of_the_examples_is_the_same_again(api: Api) -> None:
    parameters: dict[str, dict[str, Any]] = {"hello": {"name": "Ada"}, "stream-pipeline": {"readings": 60, "pause": 0}}
    runs = {name: api.start(text, **parameters.get(name, {})) for name, text in examples_by_hand().items()}
    ran = {
        name: [one["name"] for one in api.finished(run_id)["treatments"] if one["state"] != "skipped"]
        for name, run_id in runs.items()
    }
    assert {"hello", "failing", "stream-pipeline"} <= set(ran) and all(ran.values())
    replays = {
        name: {treatment: started(api, run_id, treatment) for treatment in ran[name]} for name, run_id in runs.items()
    }
    for name in runs:
        found = {treatment: compared(api, replay) for treatment, replay in replays[name].items()}
        assert_deterministic(found)
        outputs = [output for one in found.values() for output in one["outputs"]]
        assert all(output["then"] == output["now"] for output in outputs)
        if name == "stream-pipeline":
            assert {output["port"] for output in outputs} == {"lines", "temperatures", "mean"}
    assert "never ran" in refused(api, runs["failing"], "publish", 409)
    replay = api.get(f"/v1/runs/{runs['hello']}/treatments/greet/replays")["items"][0]["run_id"]
    assert api.run(replay)["replay_of"] == {"run_id": runs["hello"], "treatment": "greet"}
    assert api.call("POST", f"/v1/runs/{replay}/rerun", json={}).status_code == 409


def test_every_treatment_of_a_repositorys_check_is_the_same_again(api: Api, tmp_path: Path) -> None:
    project = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": project}).ok
    put = {"document": (EXAMPLES / "check-repository.yaml").read_text()}
    assert api.call("PUT", f"/v1/projects/{project}/pipelines/check-repository", json=put).ok
    hook = {"kind": "github", "project": project, "name": "hub", "webhook_secret": SECRET}
    path = api.call("POST", "/v1/githosts", json=hook).json()["webhook_path"]
    with served(tmp_path / "git") as address:
        work_tree = Repository(tmp_path / "git" / "web")
        commit = work_tree.commit({"good.py": '"""\n>>> 1 + 1\n2\n"""\n', "bad.json": "{", "a/b.py": "def :\n"})
        push = {
            "ref": "refs/heads/main",
            "before": "0" * 40,
            "after": commit,
            "repository": repository(1, "acme/web", f"{address}/web"),
            "sender": {"login": "ann"},
            "commits": [],
        }
        assert deliver(api.url + path, json.dumps(push).encode(), "push", SECRET).status_code == 202
        runs = eventually(lambda: api.get("/v1/runs", project=project)["items"])
        run_id = runs[0]["run_id"]
        assert api.finished(run_id)["state"] == "succeeded"
        found = replayed(api, run_id, "fetch", "lint", "test", "report")
    assert_deterministic(found)
    assert [output["port"] for output in found["test"]["outputs"]] == ["lines", "passed"]


@pytest.fixture
def counter() -> Iterator[str]:
    """The address of something in the network that answers otherwise each time."""
    numbers = count(40_000)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = f"price {next(numbers)}\n".encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_time_random_numbers_and_the_network_are_told_apart(api: Api, cadence: Cadence, counter: str) -> None:
    fetch = "import os, urllib.request as u; open(os.environ['CADENCE_OUT_out'], 'wb').write(u.urlopen('{}').read())"
    text = {"outputs": {"out": "Stream<string>"}}
    run_id = api.start(
        {
            "cadence": 1,
            "name": "planted",
            "treatments": {
                "clock": {**text, "run": 'echo "one\nmade at $(date -u +%FT%TZ)" > "$CADENCE_OUT_out"'},
                "dice": {"outputs": {"out": "Block<u64>"}, "run": "od -An -N4 -tu4 /dev/urandom > $CADENCE_OUT_out"},
                "web": {**text, "shell": "python3", "run": fetch.format(counter)},
                "steady": {**text, "run": 'seq 9 > "$CADENCE_OUT_out"'},
            },
        }
    )
    api.finished(run_id)
    names = ("clock", "dice", "web")
    with ThreadPoolExecutor(len(names)) as at_once:
        done = at_once.map(lambda name: cadence("replay", run_id, name, "--explain", "--json", status=1), names)
        explained = {name: json.loads(each.stdout) for name, each in zip(names, done, strict=True)}
    found = {name: likely(one) for name, one in explained.items()}
    why = {name: one["depends_on"][0]["evidence"] for name, one in explained.items()}
    assert explained["clock"]["first"].startswith("output out differs first in line 2, column ")
    if CUTS_OFF_NETWORKS:
        assert found == {"clock": ["time"], "dice": ["random"], "web": ["network"]}
        assert "without a network it failed with exit code 1, with one it succeeded" in why["web"]
    else:
        assert found == {"clock": ["time"], "dice": [], "web": []}
        assert all("the network is not ruled out" in why[name] for name in ("dice", "web"))
    assert "deterministic" in cadence("replay", run_id, "steady").stdout


def test_secrets_are_those_of_then_until_they_are_deleted(api: Api, cadence: Cadence) -> None:
    path = f"/v1/projects/default/secrets/replayed-{uuid.uuid4().hex[:8]}"
    name = path.rpartition("/")[2]
    assert api.call("PUT", path, json={"value": "the first value"}).ok
    document = {
        "cadence": 1,
        "name": "secretive",
        "treatments": {
            "hash": {
                "secrets": {"TOKEN": name},
                "outputs": {"out": "Block<string>"},
                "run": 'printf %s "$TOKEN" | sha256sum > "$CADENCE_OUT_out"',
            }
        },
    }
    run_id = api.start(document)
    assert api.finished(run_id)["state"] == "succeeded"
    assert api.call("PUT", path, json={"value": "the second value"}).ok
    assert_deterministic(replayed(api, run_id, "hash"))

    here = cadence("replay", run_id, "hash", "--here", status=2)
    assert f"secrets, which the API does not return: TOKEN (the secret {name})" in here.stderr
    cadence("replay", run_id, "hash", "--here", "--secret", "TOKEN", TOKEN="the first value")
    assert "differs" in cadence("replay", run_id, "hash", "--here", "--secret", "TOKEN=another", status=1).stdout

    assert api.call("DELETE", path).ok
    assert f"version 1 of the secret {name} is no longer kept" in refused(api, run_id, "hash", 410)


def test_on_the_users_own_machine(api: Api, cadence: Cadence, tmp_path: Path) -> None:
    run_id = api.start((EXAMPLES / "stream-pipeline.yaml").read_text(), readings=60, pause=0)
    api.finished(run_id)
    assert "deterministic" in cadence("replay", run_id, "transform", "--here").stdout
    typed = 'head -n 1 "$CADENCE_IN_lines"; exit\n'
    shell = cadence("replay", run_id, "transform", "--shell", status=1, stdin=typed)
    assert shell.stdout.startswith("sensor-0 2000\n")
    assert "differs" in shell.stdout
    kit = tmp_path / "kit"
    cadence("replay", run_id, "transform", "--kit", str(kit))
    assert (kit / "inputs" / "lines").read_bytes() == api.content(run_id, "generate", "lines")
    cadence("replay", run_id, "transform", "--here", "--pool", "local", status=2)


def test_another_organization_sees_none_of_it(api: Api, other_organization: Api) -> None:
    run_id = api.start((EXAMPLES / "hello.yaml").read_text())
    api.finished(run_id)
    replay = started(api, run_id, "greet")
    assert other_organization.call("POST", f"/v1/runs/{run_id}/treatments/greet/replay", json={}).status_code == 404
    for path in (f"{replay}/comparison", f"{run_id}/treatments/greet/replays", f"{run_id}/treatments/greet/replay-kit"):
        assert other_organization.call("GET", f"/v1/runs/{path}").status_code == 404
