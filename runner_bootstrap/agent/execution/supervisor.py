"""The supervisor: a small process between the agent and its commands, which kills them however the agent ends.

It is forked before the agent holds any secret or thread. The agent sends it commands over a socket; their environment
goes the same way, so that it appears nowhere but in the command itself.
"""

from __future__ import annotations

import functools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..shared.clock import Deadline
from ..shared.errors import AgentError
from . import cgroups, process_messages, processes
from .sandbox import LaunchSpec
from .sandbox_status import SandboxStatus
from .shell_process import ShellProcesses

#: Processes of the sandbox itself: a signal meant for the command must not end them first.
_WRAPPERS = frozenset({"bwrap", "conmon"})
NOT_FOUND = 127
NOT_EXECUTABLE = 126
KILL_SECONDS = 10.0
LATECOMER_SECONDS = 3.0
# Linux counts in KiB, macOS in bytes.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
KILLED = "the agent's supervisor process was killed"


class CommandExit(NamedTuple):
    """How a command ended: its exit code or the signal that killed it, its CPU time, or why it could not be started.

    ``memory_peak`` is the most memory that its largest process held at once, in bytes. ``set_up`` is false if it was
    not started since its sandbox could not be set up.
    """

    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    memory_peak: int
    error: str | None
    set_up: bool = True


class CommandSupervisor:
    """The agent's side of the supervisor. Runs one command at a time."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self._control = end

    @classmethod
    def fork(cls) -> CommandSupervisor:
        """Starts the supervisor. Call it before any thread exists."""
        return cls(*process_messages.fork(lambda end: _SupervisorProcess(end).serve()))

    def start(self, launch: LaunchSpec, stdout: int, stderr: int, stdin: int | None = None) -> None:
        """Starts a command with these descriptors.

        If the agent ends first, the supervisor also runs the launch's cleanup.
        """
        self._send(launch._asdict(), [stdout, stderr, *([] if stdin is None else [stdin])])

    def start_shell(self, launch: LaunchSpec, terminal: int, status: int) -> None:
        """Starts a shell beside the running command, on a terminal that becomes its controlling one.

        Its exit is written to ``status`` as JSON; it is killed with the command, of which the end of ``status`` tells.
        """
        self._send({"shell": launch._asdict()}, [terminal, status])

    def set_cleanup(self, commands: Sequence[Sequence[str]]) -> None:
        """Sets the commands that the supervisor runs if the agent ends first; replaces earlier ones."""
        self._send({"at_end": [list(command) for command in commands]})

    def signal(self, number: int) -> None:
        """Sends a signal to every process of the running command; does nothing if it has ended."""
        self._send({"signal": number})

    def poll(self, seconds: float) -> CommandExit | None:
        """Returns the command's exit, or None if it has not ended within ``seconds``.

        Raises AgentError if the supervisor was killed.
        """
        if not select.select([self._control], [], [], seconds)[0]:
            return None
        report = process_messages.receive(self._control)
        if report is None:
            raise AgentError(KILLED)
        return CommandExit(**report.content)

    def close(self) -> None:
        """Ends the supervisor and every process left of the command."""
        self._control.close()
        os.waitpid(self.pid, 0)

    def _send(self, content: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        try:
            process_messages.send(self._control, content, descriptors)
        except OSError as error:
            raise AgentError(KILLED) from error


class _SupervisorProcess:
    """The supervisor's own side."""

    def __init__(self, end: socket.socket) -> None:
        self._control = end
        self._child: subprocess.Popen[bytes] | None = None
        self._sandbox = SandboxStatus([], None)
        self._cleanup: list[str] = []
        self._cleanup_commands: list[list[str]] = []
        self._shells = ShellProcesses()
        self._wake, self._woken = os.pipe()

    def serve(self) -> None:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        processes.adopt_orphans()
        processes.hide_from_others()
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 0)
        while self._step():
            pass
        self._kill_all()
        if self._cleanup:
            subprocess.run(self._cleanup, stdout=devnull, stderr=devnull, check=False)
        # A second time, for containers that an engine was still creating when the agent ended.
        for pause in (0.0, LATECOMER_SECONDS) if self._cleanup_commands else ():
            time.sleep(pause)
            for command in self._cleanup_commands:
                subprocess.run(command, stdout=devnull, stderr=devnull, check=False)

    def _step(self) -> bool:
        readable, _, _ = select.select([self._control.fileno(), self._wake], [], [])
        if self._wake in readable:
            os.read(self._wake, 4096)
            self._reap()
        if self._control.fileno() in readable:
            message = process_messages.receive(self._control)
            if message is None:
                return False
            if "shell" in message.content:
                running = self._child is not None
                self._shells.start(message.content["shell"], message.descriptors, running)
            elif message.descriptors:
                self._start(message)
            elif "at_end" in message.content:
                self._cleanup_commands = message.content["at_end"]
            else:
                self._signal(message.content["signal"])
        return True

    def _start(self, message: process_messages.ProcessMessage) -> None:
        launch = LaunchSpec(**message.content)
        self._cleanup = launch.cleanup
        self._sandbox = SandboxStatus(launch.argv, launch.sandbox_at)
        try:
            # Descriptors that Python creates are not inherited, so there are none to close.
            self._child = subprocess.Popen(
                self._sandbox.argv,
                env=launch.env,
                cwd=launch.cwd,
                stdin=message.descriptors[2] if len(message.descriptors) > 2 else subprocess.DEVNULL,
                stdout=message.descriptors[0],
                stderr=message.descriptors[1],
                close_fds=False,
                # The supervisor has one thread, so what runs between fork and exec is safe.
                preexec_fn=functools.partial(_prepare_command, list(launch.groups)),
            )
        except subprocess.SubprocessError:
            self._report_unstarted(NOT_EXECUTABLE, "it cannot join its control group")
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            self._report_unstarted(NOT_FOUND if missing else NOT_EXECUTABLE, f"{launch.argv[0]}: {error.strerror}")
        finally:
            self._sandbox.started()
            for descriptor in message.descriptors:
                os.close(descriptor)

    def _reap(self) -> None:
        child = self._child
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._shells.note_exit(pid, status)
            if child is not None and pid == child.pid:
                self._child = None
                child.returncode = 0
                self._kill_all()
                self._shells.note_killed()
                code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
                number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
                self._cleanup = []
                memory_peak = usage.ru_maxrss * _MAXRSS_UNIT
                self._report(
                    CommandExit(
                        exit_code=code,
                        signal=number,
                        cpu_seconds=usage.ru_utime + usage.ru_stime,
                        memory_peak=memory_peak,
                        error=None,
                        # One that was killed says nothing.
                        set_up=self._sandbox.take() or code is None,
                    )
                )

    def _report_unstarted(self, exit_code: int, error: str) -> None:
        self._sandbox.take()
        self._report(CommandExit(exit_code=exit_code, signal=None, cpu_seconds=0.0, memory_peak=0, error=error))

    def _report(self, done: CommandExit) -> None:
        try:
            process_messages.send(self._control, done._asdict())
        except OSError:
            # The agent has ended; the next step notices that and ends the supervisor.
            return

    def _signal(self, number: int) -> None:
        below = processes.descendants(os.getpid())
        for process in below:
            if process.name not in _WRAPPERS or number == signal.SIGKILL:
                _send(process.pid, number)
        if self._child is not None and not below:
            _send_group(self._child.pid, number)

    def _kill_all(self) -> None:
        """Kills every descendant, and repeats until none is left, since one may fork while it is killed.

        Mostly none is left to begin with, so that no process of the machine is looked at.
        """
        if self._child is not None:
            _send_group(self._child.pid, signal.SIGKILL)
        # A process stuck in the kernel (a dead mount) cannot be killed and must not delay the report for ever.
        patience = Deadline(KILL_SECONDS)
        while processes.has_children() and not patience.passed:
            for process in processes.descendants(os.getpid()):
                _send(process.pid, signal.SIGKILL)
            _reap_orphans()
            time.sleep(0.002)


def _prepare_command(groups: list[str]) -> None:
    cgroups.join(groups)
    os.setsid()
    processes.die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _reap_orphans() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _send_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
