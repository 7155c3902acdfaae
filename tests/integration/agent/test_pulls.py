"""What is fetched, and for which architecture: by a program that does what container engines do for that."""

import subprocess
from pathlib import Path

import pytest

from runner_bootstrap.agent.containers.container_engine import ContainerEngine
from runner_bootstrap.agent.execution.workspace import Workspace

ENGINE = """#!/bin/sh
case "$1 $2" in
"image inspect") [ -n "$THERE" ] || exit 125; echo "$THERE" ;;
*) echo "$@" ;;
esac
"""


@pytest.mark.parametrize(
    ("there", "arch", "asked"),
    [
        ("", "", "pull --quiet python:3.13\n"),
        ("arm64", "", ""),
        ("", "amd64", "pull --quiet --platform linux/amd64 python:3.13\n"),
        ("amd64", "amd64", ""),
        ("arm64", "amd64", "pull --quiet --platform linux/amd64 python:3.13\n"),
    ],
)
def test_an_image_is_fetched_unless_it_is_there_in_the_right_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, arch: str, asked: str
) -> None:
    program = tmp_path / "podman"
    program.write_text(ENGINE)
    program.chmod(0o755)
    monkeypatch.setenv("THERE", there)
    workspace = Workspace(tmp_path, "runner")
    try:
        launch = ContainerEngine(str(program), "runner").pull("python:3.13", workspace, {}, arch)
        done = subprocess.run(launch.argv, env=launch.env, capture_output=True, text=True, check=True)
    finally:
        workspace.remove()

    assert [line for line in done.stdout.splitlines() if "pull" in line] == asked.splitlines()
