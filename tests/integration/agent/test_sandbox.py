"""What commands in a sandbox find there."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from runner_bootstrap.agent.execution.sandbox import Bubblewrap, works
from runner_bootstrap.agent.execution.workspace import Workspace
from tests.programs import bubblewrap, needs_bubblewrap

from .conftest import Work
from .fake_gateway import FakeGateway

ASKED_TWICE = """#!/bin/sh
# Fails where it is called for the first time, as bubblewrap does where a mount goes away meanwhile.
[ -e {0}/asked ] && exec {1} "$@"
touch {0}/asked
exec {1} --ro-bind / / --ro-bind /gone /gone -- true
"""
FOR_THE_PROBE = """#!/bin/sh
for word in "$@"; do
    # The agent's probe starts `true`.
    [ "$word" = true ] && exec {1} "$@"
done
"""


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


def program(folder: Path, text: str) -> Path:
    """A folder for PATH, with a program `bwrap` of this text."""
    made = folder / "programs" / "bwrap"
    made.parent.mkdir()
    made.write_text(text.format(folder, bubblewrap()))
    made.chmod(0o755)
    return made


@needs_bubblewrap
@pytest.mark.parametrize(
    ("instead", "outcome", "error"),
    [
        (
            'exec {1} --ro-bind /gone /gone "$@"\n',
            "infrastructure",
            "the sandbox could not be set up: Can't find source path /gone: No such file or directory",
        ),
        # It is set up, but has nothing to start.
        ("exec {1} --ro-bind / / -- nowhere\n", "failed", "the command ended with exit code 1"),
        ('exec {1} "$@"\n', "failed", "the command ended with exit code 1"),
    ],
)
def test_only_what_the_command_itself_does_is_its_failure(
    gateway: FakeGateway, work: Work, tmp_path: Path, instead: str, outcome: str, error: str
) -> None:
    folder = program(tmp_path, FOR_THE_PROBE + instead).parent
    done = work(gateway.add_runner("exit 1"), "bubblewrap", env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert (done["outcome"], done["error"]) == (outcome, error)


@needs_bubblewrap
def test_a_mount_that_goes_away_is_not_taken_for_a_kernel_without_sandboxes(tmp_path: Path) -> None:
    assert works(str(program(tmp_path, ASKED_TWICE)))
    assert not works("/bin/false")


@needs_bubblewrap
def test_a_sandbox_is_set_up_again_where_a_mount_went_away_and_its_streams_are_those_of_before(
    gateway: FakeGateway, work: Work, tmp_path: Path
) -> None:
    once = '[ -e {0}/failed ] && exec {1} "$@"\ntouch {0}/failed\nexec {1} --ro-bind /gone /gone "$@"\n'
    folder = program(tmp_path, FOR_THE_PROBE + once).parent
    runner = gateway.add_runner(
        'cat; echo " and the end"',
        inputs=[{"port": "source", "flow": "stream", "type": "byte"}],
        outputs=[{"port": "lines", "flow": "stream", "type": "byte"}],
        stdin="source",
        stdout="lines",
    )
    source = gateway.new_stream()
    source.put_all(b"all of it")
    runner.inputs["source"] = [source]
    done = work(runner, "bubblewrap", env={"PATH": f"{folder}:/usr/bin:/bin"})
    assert (done["outcome"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
    assert runner.outputs["lines"].content == b"all of it and the end\n"
    (said,) = runner.text("agent")
    assert said.startswith("the sandbox could not be set up: Can't find source path /gone")
