"""Starts, stops and inspects the stack of a folder, from outside its supervisor."""

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
from cadence.local.shared.progress import PrintLine
from cadence.local.supervision import processes, record
from cadence.local.supervision.saves import late_save, unsaved_end
from cadence.local.supervision.supervisor import StackOptions

SUPERVISOR = (sys.executable, "-m", "cadence.local.supervision.supervisor")

_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class StackStatus:
    """`phase` is starting, serving, stopping, stopped, or killed (with leftover files or processes).

    `warning` tells that a serving stack does not save its state.
    """

    phase: str
    connection: StackConnection | None
    processes: tuple[processes.ProcessIdentity, ...]
    warning: str | None = None


def status(folder: Path) -> StackStatus:
    """The status of the stack of `folder`."""
    paths = StackPaths.of(folder)
    known = record.read_record(paths)
    if not record.is_held(paths):
        left = paths.record.exists() or paths.connection.exists()
        alive = tuple(process for process in (known.processes if known else ()) if process.is_alive())
        return StackStatus("killed" if left else "stopped", None, alive)
    alive = tuple(process for process in (known.processes if known else ()) if process.is_alive())
    phase = known.phase if known else "starting"
    serving = phase == "serving"
    return StackStatus(phase, read_connection(paths) if serving else None, alive, late_save(paths) if serving else None)


def up(
    options: StackOptions, print_line: PrintLine, *, attached: bool = False, supervisor: Sequence[str] = SUPERVISOR
) -> tuple[StackConnection, "subprocess.Popen[bytes] | None"]:
    """Starts the stack of a folder unless it runs, and waits until it serves.

    With `attached` the stack ends with this process. The process of the supervisor is returned if it was started here.
    Raises LocalStackError with the cause if the stack does not start; started processes are stopped then.
    """
    paths = StackPaths.of(options.folder)
    paths.make()
    connection = _running(paths, print_line)
    if connection is not None:
        print_line(f"The local stack is already running: {connection.url}")
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
        return _follow(paths, process, lines, print_line), process


def down(folder: Path, print_line: PrintLine) -> bool:
    """Stops the stack of a folder, or clears what a killed one left; returns whether there was one."""
    paths = StackPaths.of(folder)
    if not paths.home.exists():
        return False
    known = record.read_record(paths)
    if not record.is_held(paths):
        with record.held(paths):
            left = record.clear_leftovers(paths, _STOP_SECONDS)
        if left is not None:
            names = ", ".join(process.name for process in left) or "no process"
            print_line(
                f"The stack was killed before. Its files are cleared, and its leftover processes are stopped: {names}."
            )
        return left is not None
    if known is None:
        raise LocalStackError(f"A stack is just starting in {folder}. Try again in a moment.")
    started_at, began = time.monotonic(), time.time()
    processes.end([known.supervisor], _STOP_SECONDS)
    with record.held(paths, patience=_STOP_SECONDS):
        record.clear_leftovers(paths, _STOP_SECONDS)
    print_line(f"Stopped in {time.monotonic() - started_at:.1f} s. Pipelines, runs and logs are kept in {paths.home}.")
    if warning := unsaved_end(paths, began):
        print_line(f"warning: {warning}")
    return True


def _arguments(options: StackOptions, *, attached: bool) -> list[str]:
    arguments = ["--folder", str(options.folder), "--port", str(options.port)]
    arguments += [] if options.enforce_iam else ["--no-enforce-iam"]
    return arguments + (["--attached"] if attached else [])


def _running(paths: StackPaths, print_line: PrintLine) -> StackConnection | None:
    """The connection of a running stack, after waiting until its start or stop is over; None if none runs."""
    deadline = time.monotonic() + _START_SECONDS
    reported = False
    while record.is_held(paths):
        connection = read_connection(paths)
        if connection is not None:
            return connection
        if not reported:
            print_line("Another process starts or stops this stack. Waiting for it.")
            reported = True
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"The stack is still starting or stopping after {_START_SECONDS:.0f} s. See {paths.log('supervisor')}."
            )
        time.sleep(_POLL_SECONDS)
    return None


@contextmanager
def _stopped_unless_done(supervisor: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    except BaseException:
        supervisor.terminate()
        supervisor.wait()
        raise


def _follow(
    paths: StackPaths, supervisor: "subprocess.Popen[bytes]", lines: IO[str], print_line: PrintLine
) -> StackConnection:
    """Prints the lines of the supervisor until it serves.

    Raises LocalStackError with its last lines if it ends instead.
    """
    printed: list[str] = []

    def print_new_lines() -> None:
        for line in lines:
            printed.append(line.rstrip("\n"))
            if not line.startswith("error: "):
                print_line(printed[-1])

    while supervisor.poll() is None:
        connection = read_connection(paths)
        known = record.read_record(paths)
        if connection is not None and known is not None and known.supervisor.pid == supervisor.pid:
            print_new_lines()
            return connection
        print_new_lines()
        time.sleep(_POLL_SECONDS)
    print_new_lines()
    first = next(
        (number for number, line in enumerate(printed) if line.startswith("error: ")), max(len(printed) - 15, 0)
    )
    cause = "\n".join(printed[first:]).removeprefix("error: ")
    raise LocalStackError(cause or f"The supervisor ended with status {supervisor.returncode}. See {lines.name}.")
