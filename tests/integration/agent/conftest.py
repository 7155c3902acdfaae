"""The agent as it is shipped: a zipapp, run by the oldest supported Python on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.build import build
from tests import waiting
from tests.programs import needs_bubblewrap

from . import podman
from .fake_gateway import FakeGateway, Runner

AGENT_PYTHON = os.environ.get("CADENCE_AGENT_PYTHON", sys.executable)
PATIENCE = int(waiting.PATIENCE)

Start = Callable[..., "subprocess.Popen[str]"]
Work = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with its bytecode, which starts sooner; another `AGENT_PYTHON` compiles the sources."""
    return build(tmp_path_factory.mktemp("agent") / "cadence-agent.pyz", bytecode=True)


@pytest.fixture(scope="session")
def containers() -> Iterator[list[str]]:
    """Arguments with which containers start here; skips where they do not."""
    with podman.working() as arguments:
        yield arguments


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """After each test, every request of the agent must have been valid by the schema."""
    fake = FakeGateway()
    yield fake
    fake.close()
    assert fake.violations == []


@pytest.fixture(
    params=[
        "plain",
        pytest.param("bwrap", marks=needs_bubblewrap),
    ]
)
def sandbox(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(agent: Path, gateway: FakeGateway, tmp_path: Path) -> Iterator[Start]:
    """Start an agent for a runner, its token on standard input; what is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_agent(
        runner: Runner,
        sandbox: str = "plain",
        env: dict[str, str] | None = None,
        token: str | None = None,
        words: tuple[str, ...] = (),
        before: tuple[str, ...] = (),
    ) -> "subprocess.Popen[str]":
        argv = [*before, AGENT_PYTHON, str(agent), "run", "--gateway", gateway.url, "--runner-id", runner.runner_id]
        argv += ["--workspaces", str(tmp_path / "workspaces"), *words]
        given = {**os.environ, **(env or {}), "CADENCE_SANDBOX": "off" if sandbox == "plain" else "on"}
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=given
        )
        started.append(process)
        assert process.stdin
        process.stdin.write((runner.token if token is None else token) + "\n")
        process.stdin.flush()
        return process

    yield start_agent
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def work(start: Start) -> Work:
    """Run a runner's agent to its end and return what it completed with."""

    def run(runner: Runner, *arguments: Any, **options: Any) -> dict[str, Any]:
        process = start(runner, *arguments, **options)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        assert runner.completed, output
        return runner.completed

    return run


@pytest.fixture
def workspaces(tmp_path: Path) -> Path:
    return tmp_path / "workspaces"
