"""Starting, stopping and looking at the stack of a folder, from outside its supervisor."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cadence.local.shared.connection import StackConnection, read_connection
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.paths import CHECKOUT, StackPaths
from cadence.local.shared.progress import Say
from cadence.local.supervision import processes, record
from cadence.local.supervision.supervisor import StackOptions

SUPERVISOR = (sys.executable, "-m", "cadence.local.supervision.supervisor")

_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class StackStatus:
    """`phase` is starting, serving, stopping, stopped, or killed (files or processes of a dead stack are left)."""

    phase: str
    connection: StackConnection | None
    processes: tuple[processes.ProcessIdentity, ...]


def status(folder: Path) -> StackStatus:
    """What runs for this folder now."""
    paths = StackPaths.of(folder)
    known = record.read_record(paths)
    if not record.is_held(paths):
        left = paths.record.exists() or paths.connection.exists()
        alive = tuple(process for process in (known.processes if known else ()) if process.is_alive())
        return StackStatus("killed" if left else "stopped", None, alive)
    alive = tuple(process for process in (known.processes if known else ()) if process.is_alive())
    phase = known.phase if known else "starting"
    return StackStatus(phase, read_connection(paths) if phase == "serving" else None, alive)


def up(
    options: StackOptions, say: Say, *, attached: bool = False, supervisor: Sequence[str] = SUPERVISOR
) -> tuple[StackConnection, "subprocess.Popen[bytes] | None"]:
    """Start the folder's stack unless it serves already, and wait until it serves.

    With `attached` the stack ends with this process. The supervisor's process is answered too if it was started here.
    Raises `LocalStackError` with the cause if it does not start; whatever had started is then stopped again.
    """
    paths = StackPaths.of(options.folder)
    paths.make()
    connection = _running(paths, say)
    if connection is not None:
        say(f"The local stack runs already: {connection.url}")
        return connection, None
    log = paths.log("supervisor")
    with log.open("ab") as output:
        began = output.tell()
        process = subprocess.Popen(
            [*supervisor, *_arguments(options, attached=attached)],
            stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=CHECKOUT,
            start_new_session=True,
        )
    with _stopped_unless_done(process), log.open() as lines:
        lines.seek(began)
        return _follow(paths, process, lines, say), process


def down(folder: Path, say: Say) -> bool:
    """Stop the folder's stack, or clear what a killed one left, and wait for it. False if there was nothing."""
    paths = StackPaths.of(folder)
    if not paths.home.exists():
        return False
    known = record.read_record(paths)
    if not record.is_held(paths):
        with record.held(paths):
            left = record.clear_leftovers(paths, _STOP_SECONDS)
        if left is not None:
            names = ", ".join(process.name for process in left) or "no process"
            say(f"The stack had been killed; cleared its files and ended what it had left: {names}.")
        return left is not None
    if known is None:
        raise LocalStackError(f"A stack is only just starting in {folder}; try again in a moment.")
    began = time.monotonic()
    processes.end([known.supervisor], _STOP_SECONDS)
    with record.held(paths, patience=_STOP_SECONDS):
        record.clear_leftovers(paths, _STOP_SECONDS)
    say(f"Stopped in {time.monotonic() - began:.1f} s; pipelines, runs and logs are kept in {paths.home}.")
    return True


def _arguments(options: StackOptions, *, attached: bool) -> list[str]:
    arguments = ["--folder", str(options.folder), "--port", str(options.port)]
    arguments += ["--enforce-iam"] if options.enforce_iam else []
    return arguments + (["--attached"] if attached else [])


def _running(paths: StackPaths, say: Say) -> StackConnection | None:
    """The connection of the stack that is held, waiting for its start or its end to be over; None if there is none."""
    deadline = time.monotonic() + _START_SECONDS
    told = False
    while record.is_held(paths):
        connection = read_connection(paths)
        if connection is not None:
            return connection
        if not told:
            say("Another start or stop of this stack is under way: waiting for it.")
            told = True
        if time.monotonic() > deadline:
            raise LocalStackError(f"It is still under way after {_START_SECONDS:.0f} s; see {paths.log('supervisor')}.")
        time.sleep(_LOOK_SECONDS)
    return None


@contextmanager
def _stopped_unless_done(supervisor: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    except BaseException:
        supervisor.terminate()
        supervisor.wait()
        raise


def _follow(paths: StackPaths, supervisor: "subprocess.Popen[bytes]", lines: IO[str], say: Say) -> StackConnection:
    """Pass on what the supervisor says until it serves; its last words become the error if it ends instead."""
    said: list[str] = []

    def pass_on() -> None:
        for line in lines:
            said.append(line.rstrip("\n"))
            if not line.startswith("error: "):
                say(said[-1])

    while supervisor.poll() is None:
        connection = read_connection(paths)
        known = record.read_record(paths)
        if connection is not None and known is not None and known.supervisor.pid == supervisor.pid:
            pass_on()
            return connection
        pass_on()
        time.sleep(_LOOK_SECONDS)
    pass_on()
    first = next((number for number, line in enumerate(said) if line.startswith("error: ")), max(len(said) - 15, 0))
    cause = "\n".join(said[first:]).removeprefix("error: ")
    raise LocalStackError(cause or f"The supervisor ended with status {supervisor.returncode}; see {lines.name}.")
