"""What commands in a sandbox find there."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from runner_bootstrap.agent.execution.sandbox import Bubblewrap
from runner_bootstrap.agent.execution.workspace import Workspace
from tests.programs import needs_bubblewrap


@needs_bubblewrap
def test_the_agents_own_python_is_there_though_it_is_below_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as below:
        venv.create(below, symlinks=True)
        monkeypatch.setattr(sys, "prefix", below)
        sandbox = Bubblewrap.find([])
        assert sandbox is not None
        python = Path(below, "bin", "python")
        launch = sandbox.launch([str(python), "-c", "print(42)"], {"PATH": "/usr/bin:/bin"}, Workspace(tmp_path, "it"))
        done = subprocess.run(launch.argv, env=launch.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
