"""Workers that real Mélodium engines ask the stack for."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from cadence.local.shared.paths import CHECKOUT
from runner_bootstrap.build import build
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import (
    BINARY,
    HAS_SECRETS,
    PROGRAMS,
    VERSION,
    Engine,
    Ids,
    agent_environment,
    detailed,
    needs_engine,
    reaches_workers,
    secret,
)
from tests.waiting import eventually, last_look

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    reaches_workers,
]

GIVEN = "  said from afar \n"
HANGS = 240
# How many times in a row values go through three engines over two networks.
TIMES = int(os.environ.get("CADENCE_MELODIUM_TIMES") or 1)


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


def workers_of(api: Api, parent: str) -> list[str]:
    runs = api.get("/v1/runs?pipeline=melodium-worker&limit=50")["items"]
    return [run["run_id"] for run in runs if run["started_by_run"] == parent]


def a_request(key: str, group: str, **said: Any) -> dict[str, Any]:
    """What an engine sends that asks for a worker."""
    amounts = {"max_duration": 60, "memory": 50, "cpu": 50, "storage": 1}
    lists: dict[str, list[Any]] = {name: [] for name in ("volumes", "containers", "service_containers", "tags")}
    unset = dict.fromkeys(("config", "id", "organization_id", "arch", "parent_id"))
    mode = {"distribution_secret_key": {"key": key}}
    told = {"edition": "scratch", "version": VERSION, "mode": mode, "group_id": group, "local_exec": False}
    return {**unset, **amounts, **lists, **told, **said}


def test_a_worker_is_dispatched_and_values_stream_both_ways(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids, given, answer = Ids(), tmp_path / "given", tmp_path / "answer"
    given.write_text(GIVEN)
    said = engine.run("dispatching.mel", ids, "--given", str(given), "--answer", str(answer))
    assert answer.read_text() == "said from afar", said
    (worker,) = workers_of(api, ids.run)
    run = api.finished(worker)
    assert (run["state"], run["cause"]) == ("succeeded", None)
    # Beside it there is what happened inside of the engine.
    (treatment,) = (each for each in run["treatments"] if each["name"] == "worker")
    assert (treatment["state"], treatment["pool"]) == ("succeeded", "local")


def test_three_workers_that_are_asked_for_at_once_all_work(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids, names = Ids(), ("one", "two", "three")
    words = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    said = engine.run("three_workers.mel", ids, *words)
    assert [(tmp_path / name).read_text() for name in names] == ["first", "second", "third"], said
    workers = workers_of(api, ids.run)
    assert len(workers) == 3
    assert {api.finished(worker)["state"] for worker in workers} == {"succeeded"}


def test_values_go_through_three_engines_and_back(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids, answer = Ids(), tmp_path / "answer"
    said = engine.run("nesting.mel", ids, "--word", "there and back", "--answer", str(answer))
    assert answer.exists(), said
    assert answer.read_text() == "there and back"
    assert [worker["pool"] for worker in chain_of(api, ids.run)] == ["local", "local"]


def chain_of(api: Api, parent: str) -> list[dict[str, Any]]:
    """The worker that this run asked for, the one that that worker asked for, and so on; all have succeeded."""
    chain = []
    while asked_for := workers_of(api, parent):
        (parent,) = asked_for
        run = api.finished(parent)
        assert run["state"] == "succeeded", run["cause"]
        chain += [each for each in run["treatments"] if each["name"] == "worker"]
    return chain


@pytest.mark.parametrize(
    ("script", "port", "state"), [("echo fine; echo > /mnt/data/out.txt", "success", 0), ("exit 3", "error", 3)]
)
def test_a_step_ends_as_its_command_does(
    engine: Engine, api: Api, tmp_path: Path, script: str, port: str, state: int
) -> None:
    ids = Ids()
    said = engine.run("step.mel", ids, "--script", script, "--result", str(tmp_path / "result"))
    assert f"info: step: {port}" in said
    (worker,) = workers_of(api, ids.run)
    api.finished(worker)
    lines = "\n".join(lines_of(api, worker))
    assert re.search(rf"^unit-tests: sh -c .* ended with {state} after ", lines, re.MULTILINE), lines


def test_a_worker_that_is_killed_in_the_middle_of_its_work_has_failed(engine: Engine, api: Api, tmp_path: Path) -> None:
    ids, given = Ids(), tmp_path / "given"
    os.mkfifo(given)
    words = ("run", str(PROGRAMS / "dispatching.mel"), "--given", str(given), "--answer", str(tmp_path / "answer"))
    with engine.running(*words, ids=ids) as asking:
        # The engine opens it once its worker is there, and reads it until it is closed.
        with given.open("wb", buffering=0) as written:
            written.write(b"the first of much")
            (worker,) = workers_of_group(api, ids.group)
            run = api.until(worker, lambda run: run["state"] == "running")
            assert "running" in {each["state"] for each in run["treatments"] if each["name"] == "worker"}
            # An engine whose worker goes while the two agree on what to do may wait for it forever.
            eventually(lambda: any("it is tidied" in line for line in lines_of(api, worker)), what=lambda: worker)
            os.kill(pid_of(worker), signal.SIGKILL)
            run = api.finished(worker)
        asking.communicate(timeout=HANGS)
    assert run["state"] == "failed"
    # In a sandbox the engine's end is told by the sandbox.
    assert re.fullmatch(r"worker failed: the command .*signal 9 \(SIGKILL\)", run["cause"])


def lines_of(api: Api, run: str) -> list[str]:
    return [line["text"] for line in api.get(f"/v1/runs/{run}/logs?limit=1000")["lines"]]


def workers_of_group(api: Api, group: str) -> list[str]:
    """An engine that reports nothing has no run of its own."""
    runs = api.get("/v1/runs?pipeline=melodium-worker&limit=5")["items"]
    return [run["run_id"] for run in runs if run["state"] == "running"][:1] or pytest.fail(f"none of {group}: {runs}")


def pid_of(run_id: str) -> int:
    """Of the engine that works as this run."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_its_own = f"MELODIUM_RUN_ID={run_id}".encode() in (process / "environ").read_bytes()
            if is_its_own and (process / "comm").read_text().strip() == "melodium":
                return int(process.name)
    raise AssertionError(f"no engine works as {run_id}")


def test_an_engine_of_another_group_is_refused(engine: Engine, api: Api, tmp_path: Path) -> None:
    key, group = str(uuid.uuid4()), str(uuid.uuid4())
    asked = a_request(key, group)
    worker = engine.post("execution/run/start", asked)["ok"]
    assert engine.post("execution/run/start", asked) == {"ok": worker}  # the same request is the same worker
    found = engine.access(worker)["started"]
    assert (found["id"], found["addresses"]) == (worker, ["127.0.0.1"])
    keys = ("--remote_key", secret(found["key"], tmp_path), "--self_key", secret(key, tmp_path))
    words = ("--port", str(found["port"]), *keys, "--word", "x", "--answer", str(tmp_path / "a"))
    program = str(PROGRAMS / "given_worker.mel")
    with engine.running("run", program, *words, ids=Ids()):
        run = api.finished(worker)
    assert (run["state"], run["cause"]) == (
        "failed",
        "worker failed: the worker could not start to work: Distribution refused",
    )
    assert engine.access(worker) == {"error": [run["cause"]]}
    shown = str(api.get(f"/v1/runs/{worker}")) + str(api.get(f"/v1/runs/{worker}/treatments/worker"))
    assert key not in shown and found["key"] not in shown


def test_what_no_pool_can_ever_hold_is_refused_at_once(engine: Engine, api: Api) -> None:
    config = {"cluster_mode_preference": None, "cluster_mode_requirement": ["shared"]}
    for said, why in (({"arch": "arm64"}, "has no arm64"), ({"config": config}, "is not shared")):
        answer = engine.post("execution/run/start", a_request(str(uuid.uuid4()), str(uuid.uuid4()), **said))
        # Other tests' pools have reasons of their own.
        (told,) = answer["error"]
        begin, _, reasons = told.partition(": ")
        assert begin == "no pool can hold the worker" and f"pool local {why}" in reasons.split("; ")


@pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 request no system")
@pytest.mark.parametrize(
    ("need", "uses", "why"),
    [
        ("system=|wrap<System>(|windows())", "system", "has no operating system windows"),
        ('system=|wrap<System>(|linux_distribution_version("nixos", "25.05"))', "system", "system linux nixos 25.05"),
        ('system=|wrap<System>(|image("golden-7"))', "system", "has no machine image golden-7"),
        ("arch=|wrap<Arch>(|riscv64())", "arch", "has no riscv64"),
    ],
    ids=["system", "distribution", "image", "arch"],
)
def test_an_engine_hears_in_words_what_no_pool_has(
    engine: Engine, tmp_path: Path, need: str, uses: str, why: str
) -> None:
    text = (PROGRAMS / "dispatching.mel").read_text()
    name = need.partition("=")[0]
    text = text.replace(f"{name}=_", need) if f"{name}=_" in text else text.replace("volumes=[]", f"{need}, volumes=[]")
    functions = [f"|{name}" for name in re.findall(r"\|(\w+)\(", need)]
    used = [f"use work/resources/{uses}::{each}" for each in (uses.capitalize(), *functions)]
    program = tmp_path / "dispatching.mel"
    program.write_text(text.replace("use std/engine/util", "\n".join([*used, _WRAP, "use std/engine/util"]), 1))
    given = tmp_path / "given"
    given.write_text(GIVEN)
    said = engine.run(str(program), Ids(), "--given", str(given), "--answer", str(tmp_path / "answer"))
    assert re.search(rf"error: worker: no pool can hold the worker: .*{re.escape(why)}", said), said


_WRAP = "use std/ops/option::|wrap"


def test_a_relay_leads_to_the_worker_and_ends_with_what_it_was_for(cadence: Cadence, tmp_path: Path) -> None:
    given, answer = tmp_path / "given", tmp_path / "answer"
    given.write_text(GIVEN)
    program = (str(BINARY), "run", str(PROGRAMS / "dispatching.mel"), "--given", str(given), "--answer", str(answer))
    cadence("melodium", "relay", "--", *program)
    assert answer.read_text() == "said from afar"


@pytest.mark.skipif(not HAS_SECRETS, reason="the documentation's program is one of 0.11.0")
def test_the_first_program_of_the_documentation_greets_from_a_worker(cadence: Cadence) -> None:
    example = CHECKOUT / "examples/melodium-worker/greeting.mel"
    words = ("run", "--api-report", "--debug-level", "detailed", str(example), "--name", "Ada")
    said = cadence("melodium", "relay", "--", str(BINARY), *words)
    assert "info: greeting: Hello Ada, from your worker!" in said.stdout + said.stderr


@pytest.fixture
def elsewhere(stack: Stack) -> Iterator[tuple[list[str], str]]:
    """A network of its own, from which this machine's loopback cannot be reached: how to run something there, and the
    stack's address.
    """
    if os.getuid() != 0 or not shutil.which("ip"):
        pytest.skip("a network of its own takes root, and `ip` (apt-get install iproute2)")
    # This machine's own network stays as it is: browsers break their connections whenever it changes.
    name, here = f"cadence-{os.getpid()}", "10.213.0.1"

    def ip(*words: str) -> bool:
        return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0

    inside = ("netns", "exec", name, "ip")
    made = (
        ip("netns", "add", name)
        and ip(*inside, "addr", "add", f"{here}/32", "dev", "lo")
        and ip(*inside, "link", "set", "lo", "up")
    )
    try:
        if not made:
            pytest.skip("no network of its own can be made here")
        with ExitStack() as forwarded:
            gateway = forwarded.enter_context(forwarding(name, here, 0, port_of(stack.url)))
            # Uploads go to the bucket itself, which is on this machine's loopback here and has a public address in AWS.
            bucket = port_of(stack.aws_endpoint)
            forwarded.enter_context(forwarding(name, "127.0.0.1", bucket, bucket))
            yield ["ip", "netns", "exec", name], f"http://{here}:{gateway}"
    finally:
        ip("netns", "delete", name)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextmanager
def forwarding(network: str, address: str, port: int, target_port: int) -> Iterator[int]:
    """Forwards connections to an address of another network to a port of this machine's loopback; yields the port."""
    words = (sys.executable, "-c", _FORWARD, f"/run/netns/{network}", address, str(port), str(target_port))
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


# A socket stays in the network in which it was made.
_FORWARD = """
import ctypes, socket, sys, threading
def enter(network):
    assert ctypes.CDLL(None).setns(network.fileno(), 0) == 0, network
def pump(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
own = open("/proc/self/ns/net")
enter(open(sys.argv[1]))
server = socket.create_server((sys.argv[2], int(sys.argv[3])))
enter(own)
print(server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    stack = socket.create_connection(("127.0.0.1", int(sys.argv[4])))
    for pair in ((client, stack), (stack, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def test_a_worker_on_another_network_is_reached_through_the_control_plane(
    elsewhere: tuple[list[str], str], stack: Stack, tmp_path: Path
) -> None:
    there, url = elsewhere
    given, answer = tmp_path / "given", tmp_path / "answer"
    # More than the tunnel lets be under way at a time.
    given.write_text("  x" + "y" * 3_000_000)
    relay = (str(Path(sys.executable).with_name("cadence")), "melodium", "relay", "--")
    program = (str(BINARY), "run", str(PROGRAMS / "dispatching.mel"), "--given", str(given), "--answer", str(answer))
    done = subprocess.run(
        [*there, *relay, *program],
        env={**os.environ, "CADENCE_URL": url, "CADENCE_TOKEN": stack.token},
        cwd=tmp_path, capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert answer.exists(), done.stdout + done.stderr
    assert answer.read_text() == "x" + "y" * 3_000_000, done.stdout + done.stderr


@pytest.fixture
def far(elsewhere: tuple[list[str], str], api: Api, tmp_path: Path) -> Iterator[str]:
    """A pool whose one host is in another network. It comes before others, and holds workers of little memory only."""
    there, url = elsewhere
    pool = "a-far"
    body: dict[str, Any] = {"provider": "host", "limits": {"memory": 55}, "settings": {"require_sandbox": False}}
    assert api.call("PUT", f"/v1/pools/{pool}", json=body).ok
    token = api.call("POST", "/v1/tokens", json={"name": pool, "permissions": ["hosts:join"]}).json()["token"]
    agent = build(tmp_path / "agent.pyz")
    words = ("host", "--gateway", url, "--pool", pool, "--name", pool, "--grace", "0", "--slots", "2")
    places = ("--state", str(tmp_path / "host.json"), "--workspaces", str(tmp_path / "work"))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*there, sys.executable, str(agent), *words, *places],
            env={**os.environ, **agent_environment(), "CADENCE_JOIN_TOKEN": token}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:

        def joined() -> bool:
            assert process.poll() is None, (tmp_path / "log").read_text()
            return any(host["pool"] == pool for host in api.get("/v1/hosts")["items"])

        eventually(joined, what=lambda: (tmp_path / "log").read_text())
        pools_are_known_anew()
        yield pool
    finally:
        process.terminate()
        process.wait(120)
        api.withdraw(pool, body)
        pools_are_known_anew()


def pools_are_known_anew() -> None:
    """Processes that place workers may know the pools as they were some seconds ago."""
    time.sleep(SECONDS + 0.5)


@pytest.mark.parametrize("time_", range(TIMES))
def test_a_worker_in_another_network_reaches_the_worker_that_it_asks_for_itself(
    far: str, api: Api, cadence: Cadence, tmp_path: Path, time_: int
) -> None:
    """From here by a tunnel into that network, and from there by another one back."""
    ids, answer = Ids(), tmp_path / "answer"
    program = (str(BINARY), "run", "--api-report", *detailed(), str(PROGRAMS / "nesting.mel"), "--word", "to and fro")
    told = {"MELODIUM_RUN_ID": ids.run, "MELODIUM_GROUP_ID": ids.group}
    said = cadence("melodium", "relay", "--", *program, "--answer", str(answer), **told)
    assert answer.exists(), said.stdout + said.stderr
    assert answer.read_text() == "to and fro"
    assert [worker["pool"] for worker in chain_of(api, ids.run)] == [far, "local"]
    (middle,) = workers_of(api, ids.run)
    (inner,) = workers_of(api, middle)
    assert_traced(cadence, ids.run, middle, inner)


def assert_traced(cadence: Cadence, root: str, middle: str, inner: str) -> None:
    """The word of `nesting.mel` is followed through three engines: from where it came back to where it was said, and
    the other way. Engines report some seconds later.
    """
    back = (
        f"main/through/take.data .* in run {middle}",
        f"main/passOn.passed .* in run {inner}",
        f"main/saying.emit .* in run {root}",
    )
    forward = (
        f"main/Self.word .* in run {middle}",
        f"main/Self.word .* in run {inner}",
        f"main/through/take.data .* in run {middle}",
        f"main/through/take.data .* in run {root}",
    )
    for words, steps in ((("main/through/take.data",), back), (("main/saying.emit", "--forward"), forward)):
        told = last_look(
            lambda words=words: cadence("trace", root, *words, status=None).stdout,  # type: ignore[misc]
            lambda told, steps=steps: all(re.search(step, told) for step in steps),  # type: ignore[misc]
        )
        for step in steps:
            assert re.search(step, told), f"{step} is not in\n{told}"
