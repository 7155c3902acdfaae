"""The agent finds the processes below another one, whatever they are called, and knows when it has none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_bootstrap.agent.execution import processes

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")

# Named so that it looks like the rest of its own line in /proc.
NAME = ") S 1 (x"
_NAMED = f"""
import ctypes, os, sys
child = os.fork()
ctypes.CDLL(None).prctl(15, {NAME.encode()!r}, 0, 0, 0)
if child:
    os.wait()
else:
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""
_CHILDREN = """
import subprocess, sys
from runner_bootstrap.agent.execution import processes
print(processes.has_children())
child = subprocess.Popen(["sleep", "60"])
print(processes.has_children())
child.kill()
print(processes.has_children())
child.wait()
print(processes.has_children())
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process with a child, both of that name."""
    with subprocess.Popen(
        [sys.executable, "-c", _NAMED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def test_all_below_are_found_parents_first_with_what_they_use(parent: subprocess.Popen[str]) -> None:
    assert parent.stdout
    child = int(parent.stdout.readline())
    found = processes.descendants(os.getpid())
    ours = [process for process in found if process.pid in (parent.pid, child)]
    assert [(process.pid, process.parent) for process in ours] == [(parent.pid, os.getpid()), (child, parent.pid)]
    assert ours[1].name == NAME
    assert all(process.pages > 0 and process.ticks >= 0 for process in ours)
    assert [process.pid for process in processes.descendants(parent.pid)] == [child]
    assert processes.descendants(child) == []


def test_a_process_has_children_until_the_last_one_was_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", _CHILDREN], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True", "False"]
