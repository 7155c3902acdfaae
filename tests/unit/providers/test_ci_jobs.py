"""The shipped workflow and pipeline, run here: what they ask, what they hand to the agent, and what they
keep from it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.answering import Asked, Reply, answering
from tests.programs import needs_curl
from tests.unit.providers.requests import RUNNER

BOOTSTRAP = Path(__file__).resolve().parents[3] / "runner_bootstrap"
RUNNER_ID = RUNNER.lower()
IDENTITY = "identity-token-of-the-job"
TOKEN = "one-time-token-of-the-runner"
# Notes what it was started with, and what a command could read of the processes that wait for it.
AGENT = """
import json, os, sys
waiting, pid = [], os.getppid()
while pid > 1:
    try:
        waiting.append(open(f"/proc/{pid}/environ", errors="replace").read())
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    except OSError:
        break
about = {"argv": sys.argv[1:], "token": sys.stdin.read(), "env": dict(os.environ), "waiting": waiting}
json.dump(about, open("started.json", "w"))
"""


@dataclass
class Gateway:
    """With GitHub's token service beside it."""

    agent: str = AGENT
    refused: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return hashlib.sha256(AGENT.encode()).hexdigest()

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.path == "/identity":
            assert asked.headers["authorization"] == "Bearer request-token"
            return Reply(200, {"value": IDENTITY if asked.params["audience"] == f"cadence:{RUNNER_ID}" else "another"})
        if asked.path == f"/runner/v1/agent/{self.digest}":
            return Reply(200, self.agent)
        if asked.path == "/runner/v1/exchange" and asked.headers["authorization"] == f"Bearer {IDENTITY}":
            assert asked.body == {"runner_id": RUNNER_ID}
            if self.refused:
                return Reply(self.refused.pop(0), {"title": "not now"})
            return Reply(200, {"token": TOKEN})
        return Reply(401, {"title": "who are you?"})


@pytest.fixture
def gateway() -> Iterator[tuple[Gateway, str]]:
    its = Gateway()
    with answering(its.answer) as url:
        yield its, url


def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((BOOTSTRAP / "github" / "cadence-runner.yml").read_text())
    return loaded


def pipeline() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((BOOTSTRAP / "gitlab" / "cadence-runner.yml").read_text())
    return loaded


def run_github(url: str, folder: Path, digest: str, **changed: str) -> subprocess.CompletedProcess[str]:
    (step,) = workflow()["jobs"]["runner"]["steps"]
    script = step["run"].replace("https://*", "http://*").replace("--retry 8", "--retry 2 --retry-delay 1")
    env = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(folder),
        "GATEWAY": url,
        "RUNNER": RUNNER_ID,
        "AGENT_SHA256": digest,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/identity?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
        "ACTIONS_RUNTIME_TOKEN": "runtime-token",
        **changed,
    }
    return subprocess.run(
        ["bash", "-c", script], env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def run_gitlab(url: str, folder: Path, digest: str, **changed: str) -> subprocess.CompletedProcess[str]:
    (script,) = pipeline()["cadence-runner"]["script"]
    script = script.replace("https://cadence.example", url).replace('startswith("https://")', 'startswith("http://")')
    env = {
        "PATH": os.environ["PATH"],
        "CADENCE_RUNNER": RUNNER_ID,
        "CADENCE_AGENT_SHA256": digest,
        "CADENCE_MINUTES": "5",
        "CADENCE_IDENTITY": IDENTITY,
        "CI_JOB_TOKEN": "job-token",
        **changed,
    }
    return subprocess.run(
        ["sh", "-c", script], env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


RUNS = [pytest.param(run_github, marks=needs_curl), run_gitlab]


@pytest.mark.parametrize("run", RUNS)
def test_a_job_becomes_a_runner(run: Any, gateway: tuple[Gateway, str], tmp_path: Path) -> None:
    its, url = gateway
    its.refused = [503]  # which run it is may not be noted yet
    done = run(url, tmp_path, its.digest)
    assert done.returncode == 0, done.stdout + done.stderr
    started = json.loads((tmp_path / "started.json").read_text())
    assert started["argv"] == ["run", "--gateway", url, "--runner-id", RUNNER_ID]
    assert started["token"] == f"{TOKEN}\n"
    kept = json.dumps([started["env"], started["waiting"]])
    for secret in (IDENTITY, TOKEN, "request-token", "runtime-token", "job-token"):
        assert secret not in kept
    shown = done.stdout.replace(f"::add-mask::{TOKEN}", "") + done.stderr
    assert TOKEN not in shown and IDENTITY not in shown


@pytest.mark.parametrize("run", RUNS)
def test_what_is_not_the_agent_is_not_run(run: Any, gateway: tuple[Gateway, str], tmp_path: Path) -> None:
    its, url = gateway
    its.agent = AGENT + "# changed on the way\n"
    assert run(url, tmp_path, its.digest).returncode != 0
    assert not (tmp_path / "started.json").exists()
    assert not [asked for asked in its.asked if asked.path.endswith("exchange")]


@pytest.mark.parametrize("run", RUNS)
def test_one_that_is_refused_ends(run: Any, gateway: tuple[Gateway, str], tmp_path: Path) -> None:
    its, url = gateway
    its.refused = [401]
    assert run(url, tmp_path, its.digest).returncode != 0
    assert not (tmp_path / "started.json").exists()


@pytest.mark.parametrize("runner", ["", "a b", "$(touch owned)", "x" * 65, '"; touch owned; "'])
def test_an_input_is_never_a_program(runner: str, gateway: tuple[Gateway, str], tmp_path: Path) -> None:
    its, url = gateway
    assert run_github(url, tmp_path, its.digest, RUNNER=runner).returncode != 0
    assert run_gitlab(url, tmp_path, its.digest, CADENCE_RUNNER=runner).returncode != 0
    assert not (tmp_path / "owned").exists() and not its.asked


def test_the_workflow_puts_no_input_into_its_script() -> None:
    its = workflow()
    (step,) = its["jobs"]["runner"]["steps"]
    assert "${{" not in step["run"]
    assert its["permissions"] == {"id-token": "write"}
    # YAML takes `on` for true.
    assert set(its[True]["workflow_dispatch"]["inputs"]) == {"mark", "runner", "labels", "agent_sha256", "minutes"}
    assert set(its[True]) == {"workflow_dispatch"}


def test_the_pipeline_is_started_by_the_api_alone() -> None:
    its = pipeline()
    assert its["workflow"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "api" && $CADENCE_RUNNER'}]
    assert its["cadence-runner"]["id_tokens"] == {"CADENCE_IDENTITY": {"aud": "cadence:$CADENCE_RUNNER"}}


@pytest.mark.parametrize(("shell", "script"), [("bash", "github"), ("sh", "gitlab")])
def test_their_scripts_are_sound(shell: str, script: str, tmp_path: Path) -> None:
    its = (
        workflow()["jobs"]["runner"]["steps"][0]["run"]
        if script == "github"
        else pipeline()["cadence-runner"]["script"][0]
    )
    file = tmp_path / "script"
    file.write_text(its)
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck
    done = subprocess.run([shellcheck, f"--shell={shell}", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
