"""A treatment from a folder, without a control plane: the zipapp and nothing else."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.conftest import AGENT_PYTHON, PATIENCE

Folder = Callable[..., Path]
Replayed = Callable[..., "subprocess.CompletedProcess[str]"]
RUNNER = "01KV0000000000000000000000-0123456789ab-1"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    def make(run: str, given: dict[str, bytes] | None = None, **work: Any) -> Path:
        replay_folder = tmp_path / "replay"
        (replay_folder / "inputs").mkdir(parents=True)
        known = {}
        for port, content in (given or {}).items():
            (replay_folder / "inputs" / port).write_bytes(content)
            known[port] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        work_item = {"run_id": "01K", "treatment": "t", "attempt": 1, "run": run, "inputs": [], "outputs": [], **work}
        (replay_folder / "replay.json").write_text(
            json.dumps({"runner_id": RUNNER, "work": work_item, "inputs": known})
        )
        return replay_folder

    return make


@pytest.fixture
def replayed(agent: Path, tmp_path: Path) -> Replayed:
    def run(
        replay_folder: Path,
        *arguments: str,
        sandbox: str = "plain",
        stdin: str = "",
        secrets: dict[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        argv = [
            AGENT_PYTHON,
            str(agent),
            "replay",
            str(replay_folder),
            "--workspaces",
            str(tmp_path / "work"),
            *arguments,
        ]
        descriptors: tuple[int, ...] = ()
        if secrets:
            reading, writing = os.pipe()
            os.write(writing, json.dumps(secrets).encode())
            os.close(writing)
            argv += ["--secrets-fd", str(reading)]
            descriptors = (reading,)
        try:
            return subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
                pass_fds=descriptors,
                env={**os.environ, "CADENCE_SANDBOX": "off" if sandbox == "plain" else "on"},
            )
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    return run


def result(replay_folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((replay_folder / "result.json").read_text())
    return read


def block(name: str, kind: str = "string") -> dict[str, str]:
    return {"port": name, "flow": "block", "type": kind}


def stream(name: str, kind: str = "byte") -> dict[str, str]:
    return {"port": name, "flow": "stream", "type": kind}


def test_inputs_outputs_and_environment(folder: Folder, replayed: Replayed, sandbox: str) -> None:
    long = os.urandom(20 << 20)
    replay_folder = folder(
        'cat "$CADENCE_IN_block" "$CADENCE_IN_none" > "$CADENCE_OUT_out"; echo "$MODE $CADENCE_PARAM_who $CADENCE_RUN_ID"\n'
        'cat "$CADENCE_IN_long" > "$CADENCE_OUT_copy"; pwd',
        {"block": b"hello\n", "long": long},
        inputs=[block("block"), block("none", "void"), stream("long")],
        outputs=[block("out"), stream("copy")],
        env={"MODE": "fast", "CADENCE_RUN_ID": "01J"},
        parameters={"who": "ada"},
    )
    done = replayed(replay_folder, sandbox=sandbox)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == "fast ada 01J"
    assert f"/cadence-{RUNNER}-" in done.stderr
    assert (replay_folder / "outputs" / "out").read_bytes() == b"hello\n"
    assert (replay_folder / "outputs" / "copy").read_bytes() == long
    ended = result(replay_folder)
    assert (ended["outcome"], ended["exit_code"]) == ("succeeded", 0)
    assert ended["outputs"]["copy"] == {"size": len(long), "sha256": hashlib.sha256(long).hexdigest()}
    assert not list((replay_folder.parent / "work").iterdir())


def test_a_failure_is_a_result(folder: Folder, replayed: Replayed) -> None:
    replay_folder = folder("echo no >&2; exit 3", outputs=[block("out")])
    assert replayed(replay_folder).returncode == 0
    assert (result(replay_folder)["outcome"], result(replay_folder)["exit_code"]) == ("failed", 3)
    assert result(replay_folder)["outputs"] == {}


def test_it_can_be_repeated_in_the_same_folder(folder: Folder, replayed: Replayed) -> None:
    replay_folder = folder('date +%N > "$CADENCE_OUT_out"', outputs=[block("out")])
    sent = []
    for _ in range(2):
        assert replayed(replay_folder).returncode == 0
        sent.append(result(replay_folder)["outputs"]["out"]["sha256"])
    assert sent[0] != sent[1]


def test_secrets_come_by_a_descriptor_and_are_masked(folder: Folder, replayed: Replayed) -> None:
    replay_folder = folder('echo "$TOKEN"; printf %s "$TOKEN" | wc -c')
    done = replayed(replay_folder, secrets={"TOKEN": "hunter2-hunter2"})
    assert done.stderr.split() == ["***", "15"]


def test_a_damaged_input_is_noticed(folder: Folder, replayed: Replayed) -> None:
    replay_folder = folder("true", {"in": b"right"}, inputs=[block("in")])
    (replay_folder / "inputs" / "in").write_bytes(b"wrong")
    assert replayed(replay_folder).returncode == 0
    assert result(replay_folder)["outcome"] == "infrastructure"
    assert "damaged" in result(replay_folder)["error"]


def test_what_is_no_replay_folder(folder: Folder, replayed: Replayed, tmp_path: Path) -> None:
    done = replayed(tmp_path)
    assert done.returncode == 3
    assert "is no folder to replay from" in done.stderr


def test_offline(folder: Folder, replayed: Replayed, sandbox: str) -> None:
    replay_folder = folder("cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '", offline=True)
    done = replayed(replay_folder, sandbox=sandbox)
    assert done.returncode == 0
    if sandbox == "plain":
        assert result(replay_folder)["outcome"] == "infrastructure"
        assert "cannot be offline on this machine" in result(replay_folder)["error"]
    else:
        assert done.stderr.split() == ["lo"]


def test_a_shell_before_the_command(folder: Folder, replayed: Replayed, sandbox: str) -> None:
    replay_folder = folder(
        "tr a-z A-Z",
        {"text": b"hello\n"},
        inputs=[stream("text", "string")],
        outputs=[stream("out", "string")],
        stdin="text",
        stdout="out",
        env={"MODE": "fast"},
    )
    done = replayed(
        replay_folder,
        "--shell",
        sandbox=sandbox,
        stdin='echo "$MODE" in $(basename "$PWD")\nsh "$CADENCE_REPLAY"\nexit 5\n',
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fast in work\n"
    assert "to start it: sh $CADENCE_REPLAY" in done.stderr
    assert (replay_folder / "outputs" / "out").read_bytes() == b"HELLO\n"
    # That of the shell would be taken for the command's.
    assert (result(replay_folder)["outcome"], result(replay_folder)["exit_code"]) == ("succeeded", None)
