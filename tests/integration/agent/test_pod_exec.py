"""Commands handed to the first process of a container, in each shell that images have.

Bubblewrap makes the container's processes its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.containers import pod_exec
from runner_bootstrap.agent.containers.pod import Pod, PodCommand
from runner_bootstrap.agent.resources.container_usage import ContainerUsage, usage_from
from tests.programs import WITHOUT_BUBBLEWRAP, bubblewrap
from tests.waiting import eventually

from .conftest import PATIENCE

_ROOT = Path(__file__).parents[3]
SCRIPT = (_ROOT / "runner_bootstrap" / "machine" / "container.sh").read_text()
SHELLS = {"dash": ["dash"], "bash": ["bash"], "bash as sh": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
CODES_OF_SIGNALS = (
    "import signal; print([getattr(signal.getsignal(n), 'name', 'own') for n in (signal.SIGINT, signal.SIGTERM)])"
)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    argv = SHELLS[request.param]
    if not shutil.which(argv[0]):
        pytest.skip(f"{argv[0]} is not installed")
    return argv


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod's temporary files end with it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Container:
    """One that takes commands, and the pod that it is in."""

    def __init__(self, root: Path, shell: list[str]) -> None:
        self.desk = root / "desk" / "c"
        self.desk.mkdir(parents=True)
        os.mkfifo(self.desk / "calls")
        self.pod = Pod(root)
        within = [
            "bwrap",
            "--dev-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--unshare-pid",
            "--as-pid-1",
            "--die-with-parent",
        ]
        argv = [*within, *shell, "-c", SCRIPT, "sh", str(self.desk)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        argv = self.pod.exec_argv("c", PodCommand(list(command), **{"env": {}, "alone": True, **options}))
        ends: Mapping[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(argv, **ends)

    def run(self, *command: str, given: bytes = b"", **options: Any) -> tuple[int, bytes, bytes]:
        process = self.start(*command, **options)
        out, err = process.communicate(given or None, timeout=PATIENCE)
        return process.returncode, out, err


Make = Callable[[], Container]


@pytest.fixture
def make(shell: list[str]) -> Iterator[Make]:
    if bubblewrap() is None:
        pytest.skip(WITHOUT_BUBBLEWRAP)
    containers: list[Container] = []
    with tempfile.TemporaryDirectory() as folder:

        def make_one() -> Container:
            containers.append(Container(Path(folder) / str(len(containers)), shell))
            return containers[-1]

        yield make_one
        for each in containers:
            each.process.kill()
            each.process.wait()


def test_streams_variables_and_exit_codes(make: Make) -> None:
    script = 'printf %s "$A|$B"; pwd >&2; cat; exit 3'
    variables = {"A": 'it\'s\n"$HOME" `id` $(id) \\', "B": "é\t"}
    given = b"0123456789" * 100_000
    done = make().run("sh", "-c", script, env=variables, workdir="/usr", interactive=True, given=given)
    assert done == (3, f"{variables['A']}|{variables['B']}".encode() + given, b"/usr\n")


def test_without_an_input_there_is_none(make: Make) -> None:
    assert make().run("cat")[:2] == (0, b"")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["not-there"], 127),
        (["sh", "-c", "kill -9 $$"], 137),
        (["/usr"], 126),
        (["sh", "-c", "exec >&- 2>&-; exit 6"], 6),
    ],
)
def test_ends_of_other_kinds(make: Make, command: list[str], code: int) -> None:
    assert make().run(*command)[0] == code


def test_what_is_left_behind_goes_with_a_command_that_is_alone(make: Make) -> None:
    began = time.monotonic()
    assert make().run("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo done; exit 5")[:2] == (5, b"done\n")
    assert time.monotonic() - began < PATIENCE


def test_what_is_left_behind_goes_on_beside_others(make: Make) -> None:
    container = make()
    begun = container.run("sh", "-c", "sleep 1000 & echo $!", alone=False)
    pid = begun[1].strip().decode()
    assert container.run("kill", "-0", pid, alone=False)[0] == 0


def test_many_at_once_each_with_its_own_streams(make: Make) -> None:
    container = make()
    begun = [container.start("sh", "-c", f"sleep 0.2; echo {n}; exit {n}", alone=False) for n in range(12)]
    ended = [(process.communicate(timeout=PATIENCE)[0], process.returncode) for process in begun]
    assert ended == [(f"{n}\n".encode(), n) for n in range(12)]
    # Nothing is left of them in the folder that is shared.
    assert [each.name for each in container.desk.iterdir()] == ["calls"]


def test_signals_reach_the_command(make: Make) -> None:
    process = make().start("sh", "-c", "trap 'echo told; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == (b"told\n", 7)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Whoever started the tests in the background left them, and all that they start, deaf to interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_command_that_is_alone_has_the_signals_of_any_other(make: Make) -> None:
    assert make().run(sys.executable, "-c", CODES_OF_SIGNALS)[1] == b"['own', 'SIG_DFL']\n"


def test_a_container_that_ends_ends_its_command(make: Make) -> None:
    container = make()
    process = container.start("sh", "-c", "echo up; sleep 1000")
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    container.process.kill()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 137


def test_a_container_that_ends_while_it_is_written_to_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(pod_exec, "open_for_writing", lambda *_: writer)
    with pytest.raises(pod_exec.CommandNotTaken, match="ended"):
        pod_exec.send_line("/nowhere", "signal-KILL")


def test_nobody_takes_it(make: Make) -> None:
    container = make()
    eventually(lambda: has_reader(container.desk / "calls"))
    container.process.kill()
    container.process.wait()
    eventually(lambda: not has_reader(container.desk / "calls"))
    with pytest.raises(pod_exec.CommandNotTaken, match=re.escape("its container did not answer within 0.1 s")):
        pod_exec.send_line(str(container.desk), "x", 0.1)


def has_reader(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_it_ends_when_it_is_told_to(make: Make) -> None:
    container = make()
    assert container.run("true")[0] == 0
    children = Path(f"/proc/{container.process.pid}/task/{container.process.pid}/children").read_text().split()
    os.kill(int(children[0]) if children else container.process.pid, signal.SIGTERM)
    container.process.wait(PATIENCE)


def test_its_request_is_its_owners_and_gone_once_it_is_read(make: Make) -> None:
    container = make()
    argv = container.pod.exec_argv("c", PodCommand(command=["true"], env={"TOKEN": "s3cr3t"}, alone=True))
    request = Path(argv[-1]) / "request"
    assert request.stat().st_mode & 0o777 == 0o600
    assert json.loads(request.read_text())["env"] == {"TOKEN": "s3cr3t"}
    assert not any("s3cr3t" in word for word in argv)
    subprocess.run(argv, check=True, timeout=PATIENCE)
    eventually(lambda: not request.exists())


def test_it_is_never_anything_but_the_first_process(tmp_path: Path) -> None:
    done = subprocess.run(["sh", "-c", SCRIPT, "sh", str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (125, "cadence: this has to be the first process of a container\n")


FIRST_VERSION = """file cpu.stat
file cpuacct/cpuacct.usage
2500000000
file memory/memory.usage_in_bytes
7
file memory/memory.max_usage_in_bytes
9
file memory/memory.oom_control
oom_kill_disable 0
oom_kill 1
"""


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        (
            "file cpu.stat\nusage_usec 1500000\nfile memory.current\n100\nfile memory.peak\n200\nfile memory.events\noom_kill 2\n",
            ContainerUsage(1.5, 100, 200, 2),
        ),
        (
            FIRST_VERSION,
            ContainerUsage(2.5, 7, 9, 1),
        ),
        ("", None),
    ],
)
def test_what_a_container_says_of_its_usage(text: str, usage: ContainerUsage | None) -> None:
    assert usage_from(text) == usage
