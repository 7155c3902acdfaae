"""A MiniStack of its own, with both state machines and Lambdas that play their parts by script."""

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.scheduling.machine_step import MachineStep, NextState
from cadence.local.ministack.server import COMMAND, MiniStack
from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.ports import first_free
from tests.waiting import eventually, last_look

REPOSITORY = Path(__file__).parents[3]
DEFINITIONS = REPOSITORY / "functions" / "state_machines"
MACHINES = ("run", "treatment")
PARTS = ("Admit", "StopRun", "Act", "Place", "Settle", "provider")
ROLE = "arn:aws:iam::000000000000:role/test"


def step(following: str, then: str | None = None, attempt: int = 1) -> dict[str, Any]:
    """What a treatment's machine is told to do next."""
    names = (
        {"function": "provider", "runner_id": "r-1"} if following in {"launch", "later", "settle", "release"} else {}
    )
    return {
        "next": following,
        "then": then,
        "attempt": attempt,
        "function": None,
        "runner_id": None,
        "wait_seconds": 0,
        **names,
    }


def proceed(following: dict[str, Any]) -> dict[str, Any]:
    """How a part answers its token with what to do next, as `StepFunctionsMachines.proceed` does."""
    answer = MachineStep(**following | {"next": NextState(following["next"])})
    return {"succeed": following} if answer.ends else {"fail": answer.name, "cause": json.dumps(following)}


LAUNCH = step("launch") | {"placement": {"pool": "near", "runner_id": "r-1"}}
# How everything goes when nothing fails: the part of each Lambda, and of each operation that one is asked for by name.
WELL: dict[str, list[Any]] = {
    "Admit": [{"succeed": {}}],
    "StopRun": [{"succeed": {}}],
    "finalise": [{"return": {"state": "succeeded"}}],
    "Act": [{"succeed": {"next": "done"}}],
    "Place": [proceed(LAUNCH)],
    "wait": [{"succeed": {}}],
    "start": [proceed(step("release", "done"))],
    "Settle": [{"return": step("release", "done")}],
    "stop": [{"return": {}}],
}


@dataclass
class Theatre:
    stack: MiniStack
    scripts: Path
    arns: dict[str, str]
    runs: int = 0

    @cached_property
    def executions(self) -> Any:
        return self.stack.client("stepfunctions")

    def start(self, machine: str, script: dict[str, list[Any]] | None = None, kind: str = "command") -> "Play":
        self.runs += 1
        run = f"run{self.runs}"
        (self.scripts / f"{run}.json").write_text(json.dumps(WELL | (script or {})))
        data = {"run_id": run, "treatment": "build", "kind": kind, "attempt": 1, "deadline_seconds": 600}
        if machine == "run":
            del data["treatment"], data["kind"], data["attempt"]
        started = self.executions.start_execution(stateMachineArn=self.arns[machine], name=run, input=json.dumps(data))
        return Play(self, run, started["executionArn"])


@dataclass
class Play:
    theatre: Theatre
    run: str
    arn: str

    def describe(self) -> dict[str, Any]:
        found: dict[str, Any] = self.theatre.executions.describe_execution(executionArn=self.arn)
        return found

    def end(self, seconds: float = 60) -> dict[str, Any]:
        description = last_look(self.describe, lambda found: found["status"] != "RUNNING", seconds)
        assert description["status"] != "RUNNING", f"{self.run} still runs: {self.path()}"
        return description

    def path(self) -> list[str]:
        """Without the choice that every treatment begins with."""
        client = self.theatre.executions
        pages = client.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        entered = (event.get("stateEnteredEventDetails") for page in pages for event in page["events"])
        return [details["name"] for details in entered if details and details["name"] != "Kind?"]

    def calls(self, part: str) -> list[dict[str, Any]]:
        file = self.theatre.scripts / f"{self.run}.{part}.calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def token(self, part: str) -> str:
        """The token that the last call of this part was given, once it has been called."""
        calls = eventually(lambda: self.calls(part), what=lambda: f"{part} was never called: {self.path()}")
        return str(calls[-1]["task_token"])


@pytest.fixture(scope="session")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("ministack")
    stack = MiniStack(first_free(0), AccountKey.random())
    environment = (
        os.environ
        | stack.client_environment()
        | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(stack.port),
            "MINISTACK_REGION": "eu-west-1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "SFN_WAIT_SCALE": "0",  # retries do not wait
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(folder),
            "STATE_DIR": str(folder / "state"),
            "DOCKER_HOST": f"unix://{folder}/no-docker",
        }
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(COMMAND, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder)
    try:
        eventually(lambda: stack.is_ready() or server.poll() is not None, what="MiniStack did not start")
        assert server.poll() is None, (folder / "log").read_text()
        scripts = folder / "scripts"
        scripts.mkdir()
        yield Theatre(stack, scripts, _deploy(stack, scripts))
    finally:
        server.terminate()
        server.communicate(timeout=120)


def _deploy(stack: MiniStack, scripts: Path) -> dict[str, str]:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(Path(__file__).parent / "player" / "handler.py", "handler.py")
    functions = {}
    for part in PARTS:
        created = stack.client("lambda").create_function(
            FunctionName=part,
            Runtime="python3.11",
            Role=ROLE,
            Handler="handler.handler",
            Timeout=30,
            Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"SCRIPTS": str(scripts), "PART": part, "STATES_ENDPOINT": stack.endpoint}},
        )
        functions[part] = created["FunctionArn"]
    machines = {}
    for machine in MACHINES:
        definition = (DEFINITIONS / f"{machine}.asl.json").read_text()
        for part, arn in functions.items():
            definition = definition.replace(f"${{{part}FunctionArn}}", arn)
        created = stack.client("stepfunctions").create_state_machine(name=machine, definition=definition, roleArn=ROLE)
        machines[machine] = created["stateMachineArn"]
    return machines
