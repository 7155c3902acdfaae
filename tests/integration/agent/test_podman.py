"""Treatments with an image, in podman."""

import re
from pathlib import Path

import pytest

from tests.waiting import eventually

from .conftest import PATIENCE, Start, Work
from .fake_gateway import FakeGateway
from .podman import IMAGE, podman

pytestmark = pytest.mark.podman


@pytest.fixture(autouse=True)
def engine_arguments(containers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])


def test_a_command_in_an_image(gateway: FakeGateway, work: Work) -> None:
    ports = [{"port": "x", "flow": "stream", "type": "byte"}]
    runner = gateway.add_runner(
        'echo "$HOME $GREETING $TOKEN"; echo "$TOKEN" | wc -c\n'
        'cat "$CADENCE_IN_x" > "$CADENCE_OUT_x"; test -e /usr || echo own',
        image=IMAGE,
        env={"GREETING": "hello\nthere"},
        secrets={"TOKEN": "s3cr3t-value"},
        inputs=ports,
        outputs=ports,
    )
    source = gateway.new_stream()
    source.put_all(b"data" * 1000)
    runner.inputs["x"] = [source]
    done = work(runner)
    assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"))
    home = runner.text()[0].split()[0]
    assert runner.text() == [f"{home} hello", "there ***", "13", "own"]
    assert "/workspaces/" in home
    assert runner.outputs["x"].content == b"data" * 1000
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", done["image_digest"])


def test_no_secret_on_the_command_line(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; sleep 1", image=IMAGE, secrets={"TOKEN": "s3cr3t-value"})
    start(runner)
    eventually(lambda: runner.text() == ["up"])
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"s3cr3t-value" not in process.read_bytes()
        except OSError:
            continue
    assert runner.done.wait(PATIENCE)


def test_an_exit_code_and_a_missing_program(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("exit 9", image=IMAGE))
    assert (done["outcome"], done["exit_code"]) == ("failed", 9)
    done = work(gateway.add_runner("true", 2, image=IMAGE, shell="bash -e"))
    assert (done["outcome"], done["exit_code"]) == ("failed", 127)


def test_cancel_removes_the_container(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; while :; do sleep 1; done", image=IMAGE)
    start(runner)
    eventually(lambda: runner.text() == ["up"])
    runner.cancel = "enough"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "cancelled"
    assert runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode()


def test_kill_9_of_the_agent_removes_the_container(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; while :; do sleep 1; done", image=IMAGE)
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    process.kill()
    eventually(lambda: runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode())


def test_an_image_that_cannot_be_had(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("true", image="localhost:9/no/such:image"))
    assert done["outcome"] == "infrastructure"
    assert done["error"].startswith("the image localhost:9/no/such:image cannot be pulled (exit code 125): Error: ")


def test_an_image_that_only_this_machine_could_have_is_not_looked_for_elsewhere(
    gateway: FakeGateway, work: Work
) -> None:
    runner = gateway.add_runner("true", image="localhost/no-such:image")
    done = work(runner)
    assert done["outcome"] == "failed"
    assert done["error"].startswith("the image localhost/no-such:image is not on this machine")
    assert not [line for line in runner.text("agent") if "retry" in line.lower()]


def test_ports_as_standard_input_and_output_of_a_container(gateway: FakeGateway, work: Work) -> None:
    ports = [{"port": "x", "flow": "stream", "type": "byte"}]
    runner = gateway.add_runner("cat; echo end", image=IMAGE, inputs=ports, outputs=ports, stdin="x", stdout="x")
    source = gateway.new_stream()
    source.put_all(b"data" * 1_000_000)
    runner.inputs["x"] = [source]
    assert work(runner)["outcome"] == "succeeded"
    assert runner.outputs["x"].content == b"data" * 1_000_000 + b"end\n"
