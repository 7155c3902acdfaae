"""Treatments in pods as the provider for Kubernetes describes them; podman does what a kubelet would."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.pipelines.specification import ServiceSpec
from cadence.local.shared.ports import first_free
from cadence.providers.contract import AgentFile, Containers, RunnerNeeds
from tests.doubles.images import runner_image
from tests.waiting import eventually

from . import pods
from .conftest import PATIENCE
from .fake_gateway import FakeGateway
from .podman import podman
from .pods import TREATMENTS_IMAGE, Node
from .pods import published as published

pytestmark = [pytest.mark.podman, pytest.mark.slow]


@pytest.fixture(scope="module")
def pools_image(containers: list[str]) -> Iterator[str]:
    with runner_image(shlex.split(containers[-1])) as image:
        yield image


@pytest.fixture
def node(
    containers: list[str], pools_image: str, published: AgentFile, gateway: FakeGateway, tmp_path: Path
) -> Iterator[Node]:
    with pods.node(pools_image, containers, gateway, published, tmp_path) as node:
        yield node


def health(command: tuple[str, ...], timeout: int = 30) -> dict[str, Any]:
    return {"command": list(command), "interval": 1, "timeout": timeout}


def in_image(**more: Any) -> Containers:
    return Containers(image=TREATMENTS_IMAGE, **more)


def test_a_command_in_its_own_image(gateway: FakeGateway, node: Node) -> None:
    ports = [{"port": "x", "flow": "stream", "type": "byte"}]
    block = [{"port": "n", "flow": "block", "type": "u64"}]
    runner = gateway.add_runner(
        'test -e /opt/cadence && echo "in the pool\'s image"; busybox id -u; pwd | grep -c /cadence/work/\n'
        'echo "$GREETING $TOKEN"; echo "$TOKEN" | wc -c; echo trouble >&2\n'
        'cat "$CADENCE_IN_x" > "$CADENCE_OUT_x"; echo 42 > "$CADENCE_OUT_n"',
        image=TREATMENTS_IMAGE,
        env={"GREETING": "it's\n$HOME `id`"},
        secrets={"TOKEN": "s3cr3t-value"},
        inputs=ports,
        outputs=[*ports, *block],
    )
    source = gateway.new_stream()
    source.put_all(b"data" * 1_000_000)
    runner.inputs["x"] = [source]

    done = node.work(runner, in_image())

    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"), node.pods[0].logs())
    assert runner.text() == ["65532", "1", "it's", "$HOME `id` ***", "13"]
    assert runner.text("stderr") == ["trouble"]
    assert runner.outputs["x"].content == b"data" * 1_000_000
    assert runner.outputs["n"].content == b"42\n"
    assert done["image_digest"] == "sha256:" + "cd" * 32
    assert done["usage"]["memory_peak"] > 4_000_000


def test_a_command_in_the_pools_own_image(gateway: FakeGateway, node: Node) -> None:
    """As on Fargate: the image that `runner_bootstrap/Containerfile` makes, and nothing beside."""
    script = "import os, ssl, sqlite3; print(os.getuid(), os.path.exists('/opt/cadence/boot.py'))"
    runner = gateway.add_runner(script, shell="python3")
    done = node.work(runner, Containers(), needs=RunnerNeeds(cpu=1000, memory=256))
    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"))
    assert runner.text() == ["65532 True"]


def test_no_secret_is_in_the_manifest_on_a_command_line_or_left_in_a_file(gateway: FakeGateway, node: Node) -> None:
    runner = gateway.add_runner(
        'echo up; read -r go < "$CADENCE_IN_go"; echo "$TOKEN" | wc -c',
        image=TREATMENTS_IMAGE,
        secrets={"TOKEN": "s3cr3t-value"},
        inputs=[{"port": "go", "flow": "stream", "type": "byte"}],
        services={"db": {"image": TREATMENTS_IMAGE, "env": {"PASSWORD": "s3cr3t-of-the-service"}}},
    )
    source = gateway.new_stream()
    runner.inputs["go"] = [source]
    service = ServiceSpec(
        name="db", image=TREATMENTS_IMAGE, env={"PASSWORD": "s3cr3t-of-the-service"}, command=("sleep", "1000")
    )

    node.start(runner, in_image(services=(service,)))
    eventually(lambda: runner.text() == ["up"])

    assert b"s3cr3t" not in json.dumps(node.manifests[0]).encode()
    assert runner.token not in json.dumps(node.manifests[0])
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"s3cr3t" not in process.read_bytes(), process
        except OSError:
            continue
    for folder in (node.kubelet.folder, Path("/dev/shm")):
        for file in (each for each in folder.rglob("*") if each.is_file() and os.access(each, os.R_OK)):
            assert b"s3cr3t-value" not in file.read_bytes(), file
    # Only the command's own processes have it, and what its runner made of it in memory.
    source.put_all(b"go\n")
    assert runner.done.wait(PATIENCE)
    assert runner.text() == ["up", "13"]


def test_exit_codes_are_the_commands_own(gateway: FakeGateway, node: Node) -> None:
    done = node.work(gateway.add_runner("sleep 1000 & exit 9", 1, image=TREATMENTS_IMAGE), in_image())
    assert (done["outcome"], done["exit_code"]) == ("failed", 9)
    done = node.work(gateway.add_runner("true", 2, image=TREATMENTS_IMAGE, shell="bash -e"), in_image())
    assert (done["outcome"], done["exit_code"]) == ("failed", 127)


def test_a_command_that_is_cancelled_is_told_first(gateway: FakeGateway, node: Node) -> None:
    script = "trap 'echo ending; exit 3' TERM; echo up; while :; do sleep 0.1; done"
    runner = gateway.add_runner(script, image=TREATMENTS_IMAGE)
    node.start(runner, in_image())
    eventually(lambda: runner.text() == ["up"])
    runner.cancel = "enough"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert (runner.completed["outcome"], runner.completed["error"]) == ("cancelled", "enough")
    assert runner.text() == ["up", "ending"]


def test_a_command_that_does_not_listen_is_killed(gateway: FakeGateway, node: Node) -> None:
    script = "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo up; wait"
    runner = gateway.add_runner(script, image=TREATMENTS_IMAGE, max_duration=8)
    done = node.work(runner, in_image())
    assert done["outcome"] == "timed_out"
    assert runner.text() == ["up"]


def test_a_pod_that_is_deleted_hands_over(gateway: FakeGateway, node: Node) -> None:
    runner = gateway.add_runner("echo up; while :; do sleep 0.1; done", image=TREATMENTS_IMAGE)
    pod = node.start(runner, in_image())
    eventually(lambda: runner.text() == ["up"])
    pod.stop()
    pod.thread.join()
    assert runner.completed
    assert runner.completed["outcome"] == "interrupted"


def test_nothing_outlives_an_agent_that_is_killed(gateway: FakeGateway, node: Node) -> None:
    runner = gateway.add_runner("echo up; while :; do sleep 0.1; done", image=TREATMENTS_IMAGE)
    pod = node.start(runner, in_image())
    eventually(lambda: runner.text() == ["up"])
    podman("kill", "--signal", "KILL", pod.real_name("runner"))
    pod.thread.join(PATIENCE)
    assert not pod.thread.is_alive()
    assert pod.real_name("") not in podman("ps", "--format", "{{.Names}}").stdout.decode()


def test_memory_is_limited_and_the_reason_told(gateway: FakeGateway, node: Node) -> None:
    script = "busybox dd if=/dev/zero of=/dev/null bs=400M count=1; echo survived"
    runner = gateway.add_runner(script, image=TREATMENTS_IMAGE, limits={"memory": 64})
    done = node.work(runner, in_image(), needs=RunnerNeeds(cpu=500, memory=64))
    assert done["outcome"] == "failed"
    assert done["error"].startswith("it took more than its 64 MB of memory: the command ended with exit code 137"), done


def test_services_are_healthy_before_the_command_and_share_volumes_with_it(gateway: FakeGateway, node: Node) -> None:
    port = first_free()
    script = (
        'echo "$MODE" > /data/from-the-service; busybox sleep 1; touch /data/ready; '
        f"while :; do echo pong | nc -l -p {port}; done"
    )
    check = ("test", "-e", "/data/ready")
    runner = gateway.add_runner(
        'cat /shared/from-the-service; test -e /shared/ready; echo "$CADENCE_SERVICE_MY_DB_HOST"\n'
        'busybox nc "$CADENCE_SERVICE_MY_DB_HOST" "$CADENCE_SERVICE_MY_DB_PORT" < /dev/null',
        image=TREATMENTS_IMAGE,
        services={"my-db": {"image": TREATMENTS_IMAGE, "health": health(check), "ports": [port]}},
        volumes={"data": "/shared"},
    )
    service = ServiceSpec(
        name="my-db",
        image=TREATMENTS_IMAGE,
        env={"MODE": "fast"},
        command=("sh", "-c", script),
        ports=(port,),
        health_command=check,
        health_interval=1,
        volumes={"data": "/data"},
    )

    done = node.work(runner, in_image(services=(service,), volumes={"data": "/shared"}))

    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"), node.pods[0].logs())
    assert runner.text() == ["fast", "my-db", "pong"]
    assert "service my-db is healthy" in runner.text("agent")


def test_a_service_that_is_never_healthy_fails_the_treatment_with_its_words(gateway: FakeGateway, node: Node) -> None:
    check = ("sh", "-c", "echo no route to the database; exit 4")
    runner = gateway.add_runner(
        "echo never",
        image=None,
        services={"db": {"image": TREATMENTS_IMAGE, "health": health(check, timeout=3)}},
    )
    service = ServiceSpec(
        name="db",
        image=TREATMENTS_IMAGE,
        env={},
        command=("sleep", "1000"),
        ports=(),
        health_command=check,
        health_interval=1,
        health_timeout=3,
    )

    done = node.work(runner, Containers(image=None, services=(service,)))

    assert done["outcome"] == "failed"
    assert done["error"] == "service db is not healthy after 3 s: sh ended with 4: no route to the database"
    assert runner.text() == []


def test_where_the_namespace_admits_it_images_are_root(gateway: FakeGateway, node: Node) -> None:
    runner = gateway.add_runner(
        "busybox id -u; touch /made; mkdir out; echo made > out/file",
        image=TREATMENTS_IMAGE,
        outputs=[{"port": "out", "flow": "stream", "type": "byte", "path": "out/"}],
    )
    done = node.work(runner, in_image(), pod_security="baseline")
    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"))
    assert runner.text() == ["0"]
    assert b"made\n" in runner.outputs["out"].content


def test_an_agent_in_a_pod_without_the_image_says_so(gateway: FakeGateway, node: Node) -> None:
    service = ServiceSpec(name="db", image=TREATMENTS_IMAGE, env={}, command=("sleep", "1000"))
    runner = gateway.add_runner("true", image=TREATMENTS_IMAGE)
    done = node.work(runner, Containers(image=None, services=(service,)))
    assert done["outcome"] == "infrastructure"
    assert (
        done["error"]
        == f"the treatment needs the image {TREATMENTS_IMAGE}, but its pod was made without a container of it"
    )
