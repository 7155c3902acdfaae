"""Processes of Lambdas that are forked from one that has imported what they import."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cadence.local.ministack.fork_server import imported_by_handlers
from cadence.local.ministack.forked_processes import ForkedProcess, ForkedProcesses
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes of Lambdas are forked on Linux only")

FILES = {
    "first/__init__.py": "",
    "first/handler.py": "from library import wiring\nfrom library.told import WORD\n\nraise RuntimeError('a client')\n",
    "provider_large/__init__.py": "",
    "provider_large/handler.py": "import library.large\n",
    "library/__init__.py": "",
    "library/told.py": "import os\nWORD = 'told'\nIMPORTED_IN = os.getpid()\n",
    "library/wiring.py": "",
    "library/large.py": "",
}
SCRIPT = """
import os, sys, threading
print(*(name for name in sorted(sys.modules) if name.startswith(("library.", "first", "provider"))))
print(sys.modules["library.told"].IMPORTED_IN == os.getppid(), threading.active_count())
print(os.environ["WHO"], "HOME" in os.environ, os.getcwd(), flush=True)
for line in sys.stdin:
    print("heard", line.strip(), flush=True)
print("the end", file=sys.stderr)
"""

Start = Callable[..., ForkedProcess]


@pytest.fixture
def forked() -> Iterator[ForkedProcesses]:
    processes = ForkedProcesses()
    yield processes
    processes.close()


@pytest.fixture
def start(forked: ForkedProcesses, tmp_path: Path) -> Iterator[Start]:
    """Starts a script as MiniStack does, in the environment given."""
    code = tmp_path / "code"
    for name, text in FILES.items():
        file = code / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    started: list[ForkedProcess] = []

    def start(text: str = SCRIPT, **environment: str) -> ForkedProcess:
        script = tmp_path / str(len(started)) / "_worker.py"  # the one before may not have read its own yet
        script.parent.mkdir()
        script.write_text(text)
        pipe: Any = subprocess.PIPE
        process = forked.popen(
            [sys.executable, str(script)], cwd=str(code), env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert isinstance(process, ForkedProcess)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def test_the_imports_of_handlers_are_there_and_neither_handlers_nor_providers(start: Start, tmp_path: Path) -> None:
    process = start(WHO="one")
    assert process.stdout.readline() == "library.told library.wiring\n"
    assert process.stdout.readline() == "True 1\n"
    assert process.stdout.readline() == f"one False {tmp_path / 'code'}\n"


def test_each_has_its_own_streams_and_environment(start: Start) -> None:
    processes = {name: start(WHO=name) for name in ("one", "two", "three")}
    for name, process in processes.items():
        assert [process.stdout.readline() for _ in range(3)][2].startswith(f"{name} ")
        process.stdin.write(f"{name}!\n")
    for name, process in processes.items():
        assert process.stdout.readline() == f"heard {name}!\n"


def test_it_is_named_after_its_lambda(start: Start) -> None:
    process = start(WHO="one", AWS_LAMBDA_FUNCTION_NAME="cadence-main-runner-gateway")
    assert process.stdout.readline()
    assert Path(f"/proc/{process.pid}/comm").read_text() == "-runner-gateway\n"


def test_it_ends_with_its_input(start: Start) -> None:
    process = start(WHO="one")
    assert process.poll() is None
    process.stdin.close()
    assert (process.wait(PATIENCE), process.poll(), process.stderr.read()) == (-1, -1, "the end\n")
    process.terminate()  # changes nothing any more


def test_it_is_waited_for_no_longer_than_asked(start: Start) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        start(WHO="one").wait(0)


@pytest.fixture
def beyond_select() -> Iterator[Callable[[int], int]]:
    """Copies a descriptor to a number that `select.select` does not know."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_000:
        pytest.skip(f"a process may have no more than {hard} open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, hard))
    yield lambda descriptor: fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 1_500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_is_waited_for_where_many_files_are_open(
    start: Start, beyond_select: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.pidfd_open

    def open_high(pid: int) -> int:
        low = opened(pid)
        try:
            return beyond_select(low)
        finally:
            os.close(low)

    monkeypatch.setattr(os, "pidfd_open", open_high)
    process = start(WHO="one")
    assert process.poll() is None
    process.kill()
    assert process.wait(PATIENCE) == -1


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_it_is_ended(start: Start, end: str) -> None:
    process = start(WHO="one")
    getattr(process, end)()
    assert process.wait(PATIENCE) == -1


def test_an_exception_is_told_on_its_error_output(start: Start) -> None:
    process = start("raise ValueError('not this way')")
    assert process.wait(PATIENCE) == -1
    assert "ValueError: not this way" in process.stderr.read()


def test_children_of_a_process_are_its_own(start: Start) -> None:
    process = start("import subprocess\nprint(subprocess.run(['false']).returncode)", PATH=os.environ["PATH"])
    assert process.stdout.read() == "1\n"


def test_a_server_that_ended_is_started_again(start: Start) -> None:
    assert start(WHO="one").stdout.readline()
    process = start("import os\nprint(os.getppid(), flush=True)\ninput()")
    server = int(process.stdout.readline())
    handle = os.pidfd_open(server)
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PIDFD, handle, os.WEXITED | os.WNOWAIT)
    os.close(handle)
    assert start(WHO="two").stdout.readline() == "library.told library.wiring\n"


def test_other_commands_start_as_ever(forked: ForkedProcesses) -> None:
    process = forked.popen([sys.executable, "-c", "print('plain')"], stdout=subprocess.PIPE, text=True)
    assert isinstance(process, subprocess.Popen)
    assert process.communicate(timeout=PATIENCE)[0] == "plain\n"


def test_the_projects_handlers_import_what_is_there() -> None:
    functions = Path(__file__).parents[3] / "functions"
    modules = imported_by_handlers(functions)
    assert {"api.application", "cadence.composition.scheduling", "runner_gateway.routes"} <= {*modules}
    assert not [module for module in modules if module.endswith(".handler")]
