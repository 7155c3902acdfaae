"""What an engine calls as its container engine, with the agent at the other end."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.containers.container_engine import ContainerEngine
from runner_bootstrap.agent.containers.exec_server import ExecServer, ExecTarget
from runner_bootstrap.agent.containers.exec_targets import ContainerTarget, SandboxTarget
from runner_bootstrap.agent.logs.buffer import LogBuffer
from runner_bootstrap.agent.logs.masking import Masker
from tests.programs import bubblewrap, needs_bubblewrap
from tests.waiting import eventually

from .conftest import PATIENCE
from .podman import IMAGE, podman

SECRET = "the-value-of-a-secret"
Call = Callable[..., "subprocess.Popen[bytes]"]


class Log(LogBuffer):
    def __init__(self) -> None:
        super().__init__(0.1, False, Masker([SECRET]))
        self.texts: list[str] = []

    def add(
        self,
        stream: str,
        level: str,
        text: str,
        *,
        lines: int = 1,
        continued: bool = False,
        wait: bool = True,
        step: int | None = None,
    ) -> None:
        self.texts.append(text)

    @property
    def executed(self) -> list[dict[str, Any]]:
        return [json.loads(text)["executed"] for text in self.texts if text.startswith('{"executed"')]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(
    params=[
        "host",
        pytest.param("sandbox", marks=needs_bubblewrap),
        pytest.param("container", marks=pytest.mark.podman),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExecTarget]:
    root = tmp_path / "workspace"
    (root / "data").mkdir(parents=True)
    if request.param != "container":
        program = bubblewrap() if request.param == "sandbox" else None
        yield SandboxTarget(program, root, [], {"build": {"/mnt/data": str(root / "data")}})
        return
    arguments = shlex.split(request.getfixturevalue("containers")[0])
    name = f"cadence-executor-test-{os.getpid()}"
    keep = ["/bin/sh", "-c", "while :; do sleep 1000; done"]
    mount = f"--volume={root / 'data'}:/mnt/data"
    started = podman("run", "--detach", "--rm", "--name", name, "--env", "HOME=/bin", mount, *arguments, IMAGE, *keep)
    assert started.returncode == 0, started.stderr
    try:
        yield ContainerTarget(ContainerEngine("podman", "x"), {"build": name})
    finally:
        podman("rm", "--force", "--time", "0", name)


@pytest.fixture
def call(place: ExecTarget, log: Log, tmp_path: Path) -> Iterator[Call]:
    executor = ExecServer(tmp_path / "workspace", place, log)
    executor.start()
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        argv = [str(executor.entrypoint), "exec", *arguments]
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    executor.stop()


def finished(process: "subprocess.Popen[bytes]", given: bytes | None = None) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(given, timeout=PATIENCE)
    return process.returncode, out, err


def test_a_command_ends_with_its_own_code_and_all_that_it_printed(call: Call, log: Log) -> None:
    assert finished(call("build", "sh", "-c", "echo out; echo err >&2; exit 7")) == (7, b"out\n", b"err\n")
    (record,) = log.executed
    assert (record["container"], record["command"][0], record["exit_code"]) == ("build", "sh", 7)
    assert record["duration_ms"] >= 0 and record["memory_peak"] > 0


def test_a_command_reads_what_the_engine_writes_and_only_if_it_is_to(call: Call) -> None:
    assert finished(call("--interactive", "build", "cat", stdin=subprocess.PIPE), b"given") == (0, b"given", b"")
    assert finished(call("build", "cat", stdin=subprocess.PIPE), b"given") == (0, b"", b"")


def test_directory_and_variables_are_those_asked_for_and_secrets_are_not_recorded(call: Call, log: Log) -> None:
    asked = [
        "--workdir=/mnt",
        "--env",
        "NAME=a b=c",
        "--env",
        f"DEPLOY_TOKEN={SECRET}",
        "--env",
        f"URL=https://{SECRET}@x",
    ]
    process = call(*asked, "build", "sh", "-c", 'echo "$NAME $DEPLOY_TOKEN"; pwd')
    assert finished(process)[1].decode() == f"a b=c {SECRET}\n/mnt\n"
    (record,) = log.executed
    assert record["env"] == {"NAME": "a b=c", "DEPLOY_TOKEN": "***", "URL": "https://***@x"}
    assert record["workdir"] == "/mnt"


def test_a_variable_of_the_container_is_told_as_it_is(call: Call, log: Log) -> None:
    code, out, _ = finished(call("build", "echo", "$HOME"))
    assert code == 0 and out.startswith(b"/") and not out.endswith(b"\n")
    assert log.executed == []  # it is the engine's question, and no command of the program


def test_a_volume_is_where_it_is_to_be_and_kept_from_one_command_to_the_next(
    call: Call, tmp_path: Path, place: ExecTarget
) -> None:
    if isinstance(place, SandboxTarget) and place.spawn.__self__._program is None:  # type: ignore[attr-defined]
        pytest.skip("without a sandbox nothing can be mounted")
    assert finished(call("build", "sh", "-c", "echo kept > /mnt/data/file"))[0] == 0
    assert finished(call("build", "cat", "/mnt/data/file"))[1] == b"kept\n"
    assert (tmp_path / "workspace/data/file").read_text() == "kept\n"


def test_a_killed_shim_takes_its_command_and_that_ones_children_down(call: Call, log: Log, tmp_path: Path) -> None:
    beat = tmp_path / "workspace/data/beat"
    where = "/mnt/data/beat"
    script = "(while :; do echo . >> $1; sleep 0.05; done) & while :; do sleep 1; done"
    process = call("build", "sh", "-c", f"p={where}; [ -d /mnt/data ] || p={beat}; set -- $p; {script}")
    eventually(beat.exists)
    process.send_signal(signal.SIGKILL)
    eventually(lambda: log.executed)
    assert log.executed[0]["abandoned"] is True
    size = -1

    def is_quiet() -> bool:
        nonlocal size
        before, size = size, beat.stat().st_size
        time.sleep(0.3)
        return before == size

    eventually(is_quiet)


def test_what_cannot_be_run_is_said(call: Call) -> None:
    code, _, err = finished(call("other", "true"))
    assert (code, err) == (126, b"cadence: there is no container other\n")
    assert finished(call("build", "no-such-command"))[0] != 0


def test_many_commands_at_once_keep_their_streams_apart(call: Call) -> None:
    processes = [call("--interactive", "build", "cat", stdin=subprocess.PIPE) for _ in range(8)]
    given = [f"{number}".encode() * 1000 for number in range(8)]
    assert [finished(process, text)[1] for process, text in zip(processes, given, strict=True)] == given


@needs_bubblewrap
@pytest.mark.parametrize(("failures", "code", "out"), [(1, 0, b"given"), (9, 126, b"")])
def test_a_sandbox_is_set_up_again_where_a_mount_went_away(
    log: Log, tmp_path: Path, failures: int, code: int, out: bytes
) -> None:
    program, failed = tmp_path / "bwrap", tmp_path / "failed"
    failed.touch()
    program.write_text(
        f'#!/bin/sh\n[ $(wc -l < {failed}) -lt {failures} ] || exec {bubblewrap()} "$@"\n'
        f'echo >> {failed}\nexec {bubblewrap()} --ro-bind /gone /gone "$@"\n'
    )
    program.chmod(0o700)
    root = tmp_path / "workspace"
    root.mkdir()
    executor = ExecServer(root, SandboxTarget(str(program), root, [], {"build": {}}), log)
    executor.start()
    argv = [str(executor.entrypoint), "exec", "--interactive", "build", "cat"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert finished(process, b"given")[:2] == (code, out)
    executor.stop()
    assert len(failed.read_text()) == min(failures, 5)
    assert "build: the sandbox could not be set up; it is set up again" in log.texts
