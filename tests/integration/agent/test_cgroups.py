"""Control groups as the kernel of this machine has them, and the files of version 2 in a folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_bootstrap.agent.execution import cgroups
from runner_bootstrap.agent.execution.cgroups import Cgroups

OWN = f"{os.getpid()}\n"
HOG = "import sys\ntaken = bytearray(300_000_000)\nfor at in range(0, len(taken), 4096): taken[at] = 1\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Cgroups]:
    found = Cgroups.prepare(f"cadence-test-{os.getpid()}")
    if found is None:
        pytest.skip("this process may make no control groups")
    yield found
    if any(folder.exists() for folder in found.parents):
        found.remove()


def run(entries: list[str], program: str) -> int:
    done = subprocess.run([sys.executable, "-c", program], preexec_fn=lambda: cgroups.join(entries), check=False)
    return done.returncode


def test_a_command_that_takes_too_much_memory_is_killed_and_that_is_known(here: Cgroups) -> None:
    group = here.confine("greedy", cpu=0, memory=100)
    assert run(group.entries, HOG) == -9
    assert group.killed_for_memory()
    group.remove()
    assert not any(folder.exists() for folder in group.folders)


def test_a_command_within_its_limits_notices_nothing(here: Cgroups) -> None:
    group = here.confine("modest", cpu=2000, memory=500)
    assert run(group.entries, HOG) == 0
    assert not group.killed_for_memory()
    group.remove()


def test_what_a_killed_host_left_is_swept(here: Cgroups) -> None:
    left = here.confine("left", cpu=0, memory=0)
    Cgroups.parse(here.describe()).sweep()
    assert not any(folder.exists() for folder in left.folders)


def test_a_host_leaves_no_groups_behind(here: Cgroups) -> None:
    killed = here.confine("killed", cpu=0, memory=0)
    here.discard("killed")
    assert not any(folder.exists() for folder in killed.folders)
    left = here.confine("left", cpu=0, memory=0)
    here.remove()
    assert not any(folder.exists() or folder.parent.exists() for folder in left.folders)


def second(root: Path, pids: str, controllers: str = "cpu io memory pids") -> tuple[Path, Path]:
    """A mount of version 2 in which a group was handed over, and what says which group this process is in."""
    own = root / "system.slice" / "cadence.service"
    own.mkdir(parents=True)
    (root / "cgroup.controllers").write_text(controllers)
    (own / "cgroup.controllers").write_text(controllers)
    (own / "cgroup.procs").write_text(pids)
    membership = root / "membership"
    membership.write_text("0::/system.slice/cadence.service\n")
    return own, membership


def test_of_version_2_the_agent_makes_way_for_its_runners(tmp_path: Path) -> None:
    own, membership = second(tmp_path, f"{os.getpid()}\n")
    cgroups_ = Cgroups.prepare("cadence-x", tmp_path, membership)
    assert cgroups_ is not None
    assert (own / "cadence-agent" / "cgroup.procs").read_text() == str(os.getpid())
    assert (own / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"

    (own / "cadence-x" / "runner").mkdir()
    (own / "cadence-x" / "runner" / "memory.swap.max").touch()
    group = Cgroups.parse(cgroups_.describe()).confine("runner", cpu=1500, memory=256)
    folder = own / "cadence-x" / "runner"
    assert (folder / "memory.max").read_text() == "256000000"
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "cpu.max").read_text() == "150000 100000"
    assert group.entries == [str(folder / "cgroup.procs")]
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.killed_for_memory()

    cgroups_.remove()  # in a plain folder files keep the groups, and what was written is what the kernel would get
    assert (own / "cgroup.subtree_control").read_text() == "-cpu -memory -pids"
    assert (own / "cgroup.procs").read_text() == str(os.getpid())


@pytest.mark.parametrize(
    ("pids", "controllers"),
    [("1\n2\n", "cpu memory pids"), (OWN, "cpu pids")],
    ids=["others are in it", "it holds no memory"],
)
def test_a_group_that_is_not_this_process_s_own_is_left_alone(tmp_path: Path, pids: str, controllers: str) -> None:
    own, membership = second(tmp_path, pids, controllers)
    assert Cgroups.prepare("cadence-x", tmp_path, membership) is None
    assert not (own / "cgroup.subtree_control").exists()
