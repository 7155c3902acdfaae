"""The real engine as a worker: started by the agent, dispatched to by another engine."""

import os
import re
import signal
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine import BINARY, HAS_SECRETS, PROGRAMS, VERSION, binary_of, needs_engine, secret
from tests.integration.agent.conftest import PATIENCE, Start
from tests.integration.agent.fake_gateway import FakeGateway, Runner
from tests.integration.agent.podman import IMAGE, podman
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, needs_engine]

GROUP = "6f2d9a2a-4b0a-4a24-9f1a-3f7f6a6c4d31"
RECEIVE, SEND = "c6f4b1f8-2d3c-4f6b-8d0e-6f0a4f0f7a10", "0f8c3c8e-58a0-4d0e-9f53-1f6a1f0c2b11"
TOKEN = "engine-token-of-this-run"
VERSIONS = ("0.11.0", "0.10.2")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_MELODIUM", str(BINARY))


@pytest.fixture
def worker(gateway: FakeGateway) -> Callable[..., Runner]:
    def add(version: str = VERSION, **changes: Any) -> Runner:
        gateway.api_tokens.add(TOKEN)
        worker = {"version": version, "group_id": GROUP, "wait": 20, **changes}
        secrets = {"api_token": TOKEN, "receive_key": RECEIVE, "send_key": SEND}
        return gateway.add_runner("", run_id=str(uuid.uuid4()), engine={"worker": worker, "secrets": secrets})

    return add


def asking(program: str, worker: Runner, group: str = GROUP, **parameters: str) -> "subprocess.Popen[bytes]":
    """An engine that knows the address of the worker."""
    assert worker.listening
    folder = Path(parameters["answer"]).parent
    argv = [str(BINARY), "run", str(PROGRAMS / f"{program}.mel")]
    env = {**os.environ, "MELODIUM_GROUP_ID": group, "NO_COLOR": "1"}
    keys = {"remote_key": secret(RECEIVE, folder), "self_key": secret(SEND, folder)}
    for name, value in {"port": str(worker.listening["port"]), **keys, **parameters}.items():
        argv += [f"--{name}", value]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def output_of(process: "subprocess.Popen[bytes]") -> str:
    return process.communicate(timeout=PATIENCE)[0].decode()


def completed(worker: Runner) -> dict[str, Any]:
    assert worker.done.wait(PATIENCE), worker.text("agent")
    assert worker.completed
    return worker.completed


def test_a_worker_says_where_it_listens_works_and_ends_well(
    gateway: FakeGateway, start: Start, worker: Callable[..., Runner], tmp_path: Path, sandbox: str
) -> None:
    runner = worker(tags=["one", "two"])
    start(runner, sandbox)
    eventually(lambda: runner.listening)
    assert runner.listening and runner.listening["addresses"] == ["127.0.0.1"]
    answer = tmp_path / "answer"
    assert output_of(asking("given_worker", runner, word="over TLS", answer=str(answer))) == ""
    assert answer.read_text() == "over TLS"
    done = completed(runner)
    assert (done["outcome"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
    paths = [path for path, _ in gateway.engine_requests]
    assert paths[:3] == ["/execution/run/start", "/execution/report/request", "/execution/run/launched"]
    assert paths[-1] == "/execution/run/ended"
    begun = gateway.engine_requests[0][1]
    assert (begun["id"], begun["group_id"], begun["tags"]) == (runner.assignment["run_id"], GROUP, ["one", "two"])


def test_a_workers_keys_and_token_are_hidden(
    gateway: FakeGateway, start: Start, worker: Callable[..., Runner], sandbox: str
) -> None:
    runner = worker()
    agent = start(runner, sandbox)
    eventually(lambda: runner.listening)
    commands = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    if HAS_SECRETS:
        file = Path(commands.partition("--recv-key-file ")[2].split()[0])
        eventually(lambda: not file.parent.exists())
    else:
        assert f"--recv-key {'*' * len(RECEIVE)}" in commands
    assert RECEIVE not in commands and SEND not in commands
    environments = ""
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            environments += each.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
    assert GROUP in environments and TOKEN not in environments
    agent.send_signal(signal.SIGTERM)
    completed(runner)


def test_an_engine_of_another_group_is_refused_and_the_worker_says_so(
    start: Start, worker: Callable[..., Runner], tmp_path: Path
) -> None:
    runner = worker()
    start(runner)
    eventually(lambda: runner.listening)
    process = asking("given_worker", runner, str(uuid.uuid4()), word="x", answer=str(tmp_path / "answer"))
    done = completed(runner)
    assert done["outcome"] == "failed"
    assert done["error"] == "the worker could not start to work: Distribution refused"
    output_of(process)


def test_a_worker_that_nobody_comes_to_gives_up(start: Start, worker: Callable[..., Runner]) -> None:
    runner = worker(wait=1)
    start(runner)
    done = completed(runner)
    assert (done["outcome"], done["exit_code"]) == ("failed", 0)
    assert done["error"] == "the worker could not start to work: Distribution timeout"


def test_a_killed_worker_is_not_taken_for_one_that_ended_well(start: Start, worker: Callable[..., Runner]) -> None:
    runner = worker()
    start(runner)
    eventually(lambda: runner.listening)
    assert runner.listening
    found = subprocess.run(
        ["ss", "-ltnpH", f"sport = :{runner.listening['port']}"], capture_output=True, text=True, check=True
    )
    os.kill(int(found.stdout.partition("pid=")[2].partition(",")[0]), signal.SIGKILL)
    done = completed(runner)
    assert (done["outcome"], done["signal"]) == ("failed", 9)


def test_another_version_than_the_machines_is_refused_at_once(start: Start, worker: Callable[..., Runner]) -> None:
    runner = worker("0.10.1")
    start(runner)
    done = completed(runner)
    assert done["outcome"] == "infrastructure"
    assert (
        done["error"] == f"this needs the Mélodium engine 0.10.1, and this machine has {VERSION}: see CADENCE_MELODIUM"
    )


@pytest.mark.skipif(
    not all(binary_of(version).is_file() for version in VERSIONS), reason="not both engines are there: see .ci/peers"
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_machine_with_several_engines_starts_the_one_that_is_asked_for(
    start: Start, worker: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("CADENCE_MELODIUM", os.pathsep.join(str(binary_of(each)) for each in VERSIONS))
    runner = worker(version)
    agent = start(runner)
    eventually(lambda: runner.listening or runner.completed)
    assert runner.listening, runner.completed
    found = subprocess.run(
        ["ss", "-ltnpH", f"sport = :{runner.listening['port']}"], capture_output=True, text=True, check=True
    )
    pid = int(found.stdout.partition("pid=")[2].partition(",")[0])
    assert Path(f"/proc/{pid}/exe").resolve() == binary_of(version).resolve()
    agent.send_signal(signal.SIGTERM)
    completed(runner)


@pytest.mark.podman
def test_a_workers_containers_run_its_commands_and_end_with_it(
    gateway: FakeGateway,
    start: Start,
    worker: Callable[..., Runner],
    workspaces: Path,
    containers: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])
    step = {"name": "unit tests", "image": IMAGE, "memory": 64, "mounts": {"my data": "/mnt/data"}, "arch": "arm64"}
    service = {
        "name": "db",
        "image": IMAGE,
        "env": {"MODE": "fast"},
        "command": ["sh", "-c", "echo up $MODE; sleep 1000"],
    }
    runner = worker(volumes={"my data": 5}, containers=[step], services=[service])
    agent = start(runner)
    eventually(lambda: runner.listening or runner.completed)
    assert runner.listening, runner.completed
    (entrypoint,) = workspaces.glob("*/exec")
    script = "echo kept > /mnt/data/file; cat /etc/hosts; exit 4"
    argv = [str(entrypoint), "exec", "--interactive", "unit-tests", "sh", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 4
    (kept,) = (entrypoint.parent / "volumes").glob("*/file")
    assert kept.read_text() == "kept\n"
    eventually(lambda: "up fast" in runner.text("service:db"))
    if "host" not in containers[0]:
        assert re.search(r"^127\.0\.0\.1\s.*\bdb\b", done.stdout, re.MULTILINE)
    eventually(lambda: any("unit-tests: sh -c" in line and "ended with 4" in line for line in runner.text("agent")))
    assert runner.runner_id in podman("ps", "--format", "{{.Names}}").stdout.decode()
    agent.send_signal(signal.SIGTERM)
    completed(runner)
    agent.wait(PATIENCE)
    assert runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode()


@pytest.mark.podman
def test_the_deadline_ends_the_engine_and_its_containers(
    gateway: FakeGateway,
    start: Start,
    worker: Callable[..., Runner],
    containers: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])
    runner = worker(containers=[{"name": "build", "image": IMAGE}])
    runner.assignment["max_duration"] = 8
    start(runner)
    done = completed(runner)
    assert (done["outcome"], done["error"]) == ("timed_out", "the command ran longer than the 8 s it may take")
    assert runner.listening
    eventually(lambda: runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode())
