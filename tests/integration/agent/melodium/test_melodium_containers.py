"""The real engine where it is no process of the machine's own: in a pod with its containers, and from an image on a
host.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.providers.contract import AgentFile, Containers, RunnerNeeds
from tests.doubles.images import runner_image
from tests.e2e.engine import BINARY, VERSION, needs_engine
from tests.integration.agent import pods
from tests.integration.agent.conftest import PATIENCE, Start
from tests.integration.agent.fake_gateway import FakeGateway, Runner
from tests.integration.agent.melodium.test_melodium_packages import PACKAGE, VISITING, written
from tests.integration.agent.melodium.test_melodium_programs import Program, given
from tests.integration.agent.melodium.test_melodium_programs import program as program
from tests.integration.agent.melodium.test_melodium_workers import (
    GROUP,
    RECEIVE,
    SEND,
    TOKEN,
    asking,
    completed,
    output_of,
)
from tests.integration.agent.melodium.test_melodium_workers import worker as worker
from tests.integration.agent.podman import IMAGE, podman
from tests.integration.agent.pods import TREATMENTS_IMAGE, Node
from tests.integration.agent.pods import published as published
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, pytest.mark.podman, pytest.mark.slow, needs_engine]


@pytest.fixture(scope="module")
def engines_image(containers: list[str]) -> Iterator[str]:
    with runner_image(shlex.split(containers[-1]), BINARY) as image:
        yield image


@pytest.fixture
def node(
    containers: list[str], engines_image: str, published: AgentFile, gateway: FakeGateway, tmp_path: Path
) -> Iterator[Node]:
    with pods.node(engines_image, containers, gateway, published, tmp_path) as node:
        yield node


@pytest.fixture(scope="module")
def packages_image(
    containers: list[str], engines_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The image with the engine, and with a package that is stored in it."""
    folder = tmp_path_factory.mktemp("image")
    written(folder / "packages" / "greetings", PACKAGE)
    place = "/opt/melodium/packages"
    (folder / "Containerfile").write_text(
        f"FROM {engines_image}\nCOPY packages {place}\nENV CADENCE_MELODIUM_PACKAGES={place}\n"
    )
    image = f"localhost/cadence-test-packages:{os.getpid()}"
    made = podman("build", "--quiet", "--tag", image, *shlex.split(containers[-1]), str(folder))
    assert made.returncode == 0, made.stderr.decode()
    yield image
    podman("image", "rm", "--force", image)


def test_a_program_in_a_pod_uses_the_packages_of_its_image(
    containers: list[str],
    packages_image: str,
    published: AgentFile,
    gateway: FakeGateway,
    program: Program,
    tmp_path: Path,
) -> None:
    source = written(tmp_path / "visiting", VISITING)
    runner = program("main", source, treatment="visiting::main", parameters={"who": given("string", "Ada")})
    with pods.node(packages_image, containers, gateway, published, tmp_path) as node:
        done = node.work(runner, Containers(), needs=RunnerNeeds(cpu=1000, memory=1024))
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.text("stderr")
    assert [line.partition(" ")[2] for line in runner.text()] == ["info: greetings: Ada"]


def command_lines() -> str:
    return subprocess.run(["ps", "axwww", "-o", "args"], capture_output=True, text=True, check=True).stdout


def test_a_worker_in_a_pod_with_its_containers(
    gateway: FakeGateway, node: Node, worker: Callable[..., Runner], tmp_path: Path
) -> None:
    step = {"name": "unit tests", "image": TREATMENTS_IMAGE, "memory": 64, "mounts": {"my data": "/mnt/data"}}
    service = {"name": "db", "image": TREATMENTS_IMAGE, "env": {"MODE": "fast"}, "command": ["sleep", "1000"]}
    runner = worker(volumes={"my data": 5}, containers=[step], services=[service])
    spec = WorkerSpec(
        version=VERSION,
        group_id=GROUP,
        volumes={"my data": 5},
        containers=(
            ContainerSpec(name="unit tests", image=TREATMENTS_IMAGE, memory=64, mounts={"my data": "/mnt/data"}),
        ),
        services=(ContainerSpec(name="db", image=TREATMENTS_IMAGE, env={"MODE": "fast"}, command=("sleep", "1000")),),
    )
    pod = node.start(runner, Containers(worker=spec), needs=RunnerNeeds(cpu=1000, memory=1024))
    eventually(lambda: runner.listening or runner.completed or pod.ended)
    assert runner.listening, (runner.completed, pod.logs())

    # As the engine does it, in its own container: names are known, values are not seen, codes are real.
    within = [
        "podman",
        "exec",
        "--interactive",
        pod.real_name("runner"),
        "sh",
        "-c",
        'exec /cadence/work/*/exec "$@"',
        "sh",
    ]
    script = 'echo "$SECRET" | wc -c; echo kept > /mnt/data/file; pwd; cat; exit 4'
    asked = [
        "exec",
        "--interactive",
        "--workdir=/mnt",
        "--env",
        "SECRET=s3cr3t-of-a-step",
        "unit-tests",
        "sh",
        "-c",
        script,
    ]
    done = subprocess.run(
        [*within, *asked], input="given", capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout) == (4, "17\n/mnt\ngiven"), done.stderr
    kept = podman("exec", pod.real_name("runner"), "cat", "/cadence/volumes/my-data/file").stdout
    assert kept == b"kept\n"
    assert podman("exec", pod.real_name("db"), "sh", "-c", "echo $MODE").stdout == b"fast\n"
    lines = runner.text("agent")
    eventually(lambda: any("unit-tests: sh -c" in line and "ended with 4" in line for line in runner.text("agent")))
    assert not any("s3cr3t-of-a-step" in line for line in lines)

    # What nobody waits for any more ends.
    endless = ["exec", "--env", "TOKEN=s3cr3t-of-a-step", "unit-tests", "sh", "-c", "touch /mnt/data/up; sleep 1000"]
    waiting = subprocess.Popen(
        [*within, *endless], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    eventually(
        lambda: podman("exec", pod.real_name("runner"), "test", "-e", "/cadence/volumes/my-data/up").returncode == 0
    )
    there = command_lines()
    # What the test itself typed; nobody else's command line has it.
    assert all("podman exec" in line or "/exec" in line for line in there.splitlines() if "s3cr3t-of-a-step" in line)
    assert RECEIVE not in there and SEND not in there and TOKEN not in there
    podman(
        "exec",
        pod.real_name("runner"),
        "sh",
        "-c",
        "kill -9 $(grep -al shim.py /proc/[0-9]*/cmdline | grep -v self | sed 's#/proc/##;s#/.*##')",
    )
    waiting.wait(PATIENCE)
    eventually(
        lambda: (
            b"sleep 1000"
            not in podman("exec", pod.real_name("unit-tests"), "sh", "-c", "cat /proc/[0-9]*/cmdline").stdout
        )
    )

    answer = tmp_path / "answer"
    assert output_of(asking("given_worker", runner, word="into the pod", answer=str(answer))) == ""
    assert answer.read_text() == "into the pod"
    done_with = completed(runner)
    assert (done_with["outcome"], done_with["error"]) == ("succeeded", None)


def test_an_engine_from_an_image_on_a_host(
    gateway: FakeGateway,
    start: Start,
    worker: Callable[..., Runner],
    engines_image: str,
    containers: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CADENCE_MELODIUM", raising=False)
    monkeypatch.setenv("CADENCE_MELODIUM_IMAGE", engines_image)
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[-1])
    runner = worker(containers=[{"name": "build", "image": IMAGE}])
    start(runner)
    eventually(lambda: runner.listening or runner.completed)
    assert runner.listening, (runner.completed, runner.text("agent"), runner.text("stderr"))
    assert f"cadence-{runner.runner_id}" in podman("ps", "--format", "{{.Names}}").stdout.decode().split()
    seen = command_lines()
    assert RECEIVE not in seen and SEND not in seen and TOKEN not in seen
    # A step, as the engine in its image asks for it.
    (entrypoint,) = (tmp_path / "workspaces").glob("*/exec")
    within = ["podman", "exec", f"cadence-{runner.runner_id}", str(entrypoint), "exec", "build", "sh", "-c", "exit 5"]
    assert subprocess.run(within, capture_output=True, timeout=PATIENCE, check=False).returncode == 5
    answer = tmp_path / "answer"
    assert output_of(asking("given_worker", runner, word="into the image", answer=str(answer))) == ""
    assert answer.read_text() == "into the image"
    done = completed(runner)
    assert (done["outcome"], done["error"]) == ("succeeded", None)
    eventually(lambda: runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode())


def test_an_engine_from_an_image_ends_when_its_runner_is_told_to(
    start: Start,
    worker: Callable[..., Runner],
    engines_image: str,
    containers: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CADENCE_MELODIUM", raising=False)
    monkeypatch.setenv("CADENCE_MELODIUM_IMAGE", engines_image)
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[-1])
    runner = worker()
    agent = start(runner)
    eventually(lambda: runner.listening or runner.completed)
    os.kill(agent.pid, signal.SIGTERM)
    assert completed(runner)["outcome"] == "interrupted"
    eventually(lambda: runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode())
