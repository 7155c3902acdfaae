"""Treatments with an image, in podman. The image is made here, from a static busybox: nothing is pulled."""

import io
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import PATIENCE, Start, Work, until
from .fake_gateway import FakeGateway

# Each test process has its own, since it removes it at its end.
IMAGE = f"localhost/cadence-agent-test:{os.getpid()}"
BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "echo", "env", "id", "sleep", "sha256sum", "wc")
#: What a container needs where it may not change its limits or its network, as in some virtual machines.
ARGUMENTS = ("", "--network host --ulimit nofile=512:512 --ulimit nproc=1000:1000 --runtime runc")

pytestmark = [
    pytest.mark.podman,
    pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed"),
    pytest.mark.skipif(not BUSYBOX.exists(), reason="busybox-static, the image's only content, is not installed"),
]


def podman(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["podman", *arguments], input=stdin, capture_output=True, check=False, timeout=PATIENCE * 3)


@pytest.fixture(scope="module", autouse=True)
def engine_arguments() -> Iterator[str]:
    """Make the image and find out with which arguments containers start on this machine."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(BUSYBOX, "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    made = podman("import", "-", IMAGE, stdin=content.getvalue())
    if made.returncode:
        pytest.skip(f"podman cannot make an image here: {made.stderr.decode()[-200:]}")
    for arguments in ARGUMENTS:
        tried = podman("run", "--rm", *shlex.split(arguments), IMAGE, "/bin/echo", "hi")
        if tried.stdout == b"hi\n":
            break
    else:
        pytest.skip(f"podman cannot start a container here: {tried.stderr.decode()[-200:]}")
    before = os.environ.get("CADENCE_PODMAN_ARGS")
    os.environ["CADENCE_PODMAN_ARGS"] = arguments
    yield arguments
    if before is None:
        del os.environ["CADENCE_PODMAN_ARGS"]
    podman("image", "rm", "--force", IMAGE)


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


def test_no_secret_on_the_command_line(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; sleep 1", image=IMAGE, secrets={"TOKEN": "s3cr3t-value"})
    start(runner)
    until(lambda: runner.text() == ["up"])
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
    until(lambda: runner.text() == ["up"])
    runner.cancel = "enough"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "cancelled"
    assert runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode()


def test_kill_9_of_the_agent_removes_the_container(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; while :; do sleep 1; done", image=IMAGE)
    process = start(runner)
    until(lambda: runner.text() == ["up"])
    process.kill()
    until(lambda: runner.runner_id not in podman("ps", "--all", "--format", "{{.Names}}").stdout.decode())


def test_an_image_that_cannot_be_had(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("true", image="localhost:9/no/such:image"))
    assert done["outcome"] == "infrastructure"
    assert done["error"].startswith("the image localhost:9/no/such:image cannot be pulled (exit code 125): Error: ")
