"""Starts the command, passes its output on, and ends it in time."""

from __future__ import annotations

import os
import signal
from typing import Protocol

from ..logs.buffer import LogBuffer
from ..logs.line_reader import LineReader, Marks
from ..shared.clock import Deadline
from ..shared.errors import TIMED_OUT, AgentError, Stopped, TreatmentFailed
from ..shared.termination import Termination
from .sandbox import LaunchSpec
from .sandbox_status import SETUPS
from .standard_streams import SpareStreams, StandardStreams
from .supervisor import NOT_FOUND, CommandExit, CommandSupervisor

GRACE_SECONDS = 5.0
#: Seconds for a Mélodium engine: it gives its work 10, stops it within 2, and takes at most 5 for its last reports.
ENGINE_GRACE_SECONDS = 18.0
#: Exit code by which a container engine reports that it could not start the container.
CONTAINER_NOT_STARTED = 125
#: What bubblewrap prints where it has set the sandbox up and finds nothing to start.
NO_PROGRAM = "bwrap: execvp "
POLL_SECONDS = 0.1


class ContainerRuntime(Protocol):
    """Runs the command in a container: a container engine, or the pod that this runner is in."""

    @property
    def kind(self) -> str:
        """Its name in messages: ``podman``, ``docker`` or ``the pod``."""

    def remove(self) -> None:
        """Ends the command's container, or everything that the command has started in it."""


_LOGGED = StandardStreams()


class Command:
    """Runs one command after another through the supervisor; ``exit`` is the exit of the treatment's own command."""

    def __init__(self, supervisor: CommandSupervisor, log: LogBuffer, termination: Termination) -> None:
        self._supervisor, self._log, self._termination = supervisor, log, termination
        self._readers: list[LineReader] = []
        self._running = False
        self.exit: CommandExit | None = None
        self.grace_seconds = GRACE_SECONDS
        self.engine: ContainerRuntime | None = None
        self.marks: Marks | None = None

    def pull(self, launch: LaunchSpec, image: str) -> None:
        """Pulls an image and logs the engine's output as the agent's own lines.

        Raises AgentError with the engine's exit code.
        """
        self._start(launch, "agent", "agent")
        done = self._follow(Deadline(float("inf")))
        if done.exit_code != 0:
            raise AgentError(f"the image {image} cannot be pulled (exit code {done.exit_code}): {self._last_words()}")

    def prepare(self, launch: LaunchSpec, seconds: float) -> None:
        """Runs a command that has to succeed before the treatment's command starts, for at most ``seconds``.

        Raises TreatmentFailed if it does not exit with 0, AgentError if its sandbox could not be set up.
        """
        done = self._run(launch, seconds, _LOGGED, None)
        if done.exit_code != 0:
            self.exit = done
            raise TreatmentFailed(_in_words(done))

    def run(self, launch: LaunchSpec, max_duration: float | None, stdio: StandardStreams) -> None:
        """Runs the treatment's command to its end, with ``stdio`` or else the log as its output.

        Raises TreatmentFailed if it does not exit with 0, AgentError if its container could not be started or its
        sandbox not be set up, Stopped if the assignment was terminated meanwhile (the command is dead then).
        """
        self.exit = self._run(launch, max_duration, stdio, self.marks)
        if self.exit.error:
            raise TreatmentFailed(f"the command cannot be started: {self.exit.error}")
        if self.engine and self.exit.exit_code == CONTAINER_NOT_STARTED:
            raise AgentError(f"{self.engine.kind} could not start the container: {self._last_words()}")
        if self.exit.exit_code != 0:
            raise TreatmentFailed(_in_words(self.exit))

    def kill(self) -> None:
        """Kills the command; none of its processes is alive when this returns."""
        if self._running:
            self._supervisor.signal(signal.SIGKILL)
            while self._running:
                self._running = self._supervisor.poll(POLL_SECONDS) is None
        if self.engine:
            self.engine.remove()

    def _run(
        self, launch: LaunchSpec, max_duration: float | None, stdio: StandardStreams, marks: Marks | None
    ) -> CommandExit:
        """Starts a command and follows it to its end. Raises AgentError if it cannot be started in a sandbox."""
        left = SETUPS if launch.sandbox_at is not None else 1
        while True:
            left -= 1
            spare = SpareStreams(stdio)
            if not left:
                spare.close()
            try:
                self._start(launch, "stdout", "stderr", stdio, marks)
                done = self._follow(Deadline(max_duration or float("inf")), max_duration, spare)
                # Where there is no such program, nothing but the sandbox was set up.
                if done.set_up or self._last_words().startswith(NO_PROGRAM):
                    return done
                again = spare.take()
            finally:
                spare.close()
            reason = f"the sandbox could not be set up: {self._last_words().removeprefix('bwrap: ')}"
            if again is None:
                raise AgentError(reason)
            self._log.say(f"{reason}; it is set up again", "warning")
            stdio = again

    def _start(
        self,
        launch: LaunchSpec,
        stdout: str,
        stderr: str,
        stdio: StandardStreams = _LOGGED,
        marks: Marks | None = None,
    ) -> None:
        ends = []
        self._readers = []
        for stream, bound in ((stdout, stdio.stdout), (stderr, None)):
            if bound is None:
                ours, theirs = os.pipe()
                ends.append(theirs)
                self._readers.append(LineReader(ours, stream, self._log, marks))
            else:
                ends.append(bound)
        try:
            self._supervisor.start(launch, ends[0], ends[1], stdio.stdin)
            self._running = True
        finally:
            for end in (*ends, stdio.stdin):
                if end is not None:
                    os.close(end)
        for reader in self._readers:
            reader.start()

    def _follow(
        self, deadline: Deadline, max_duration: float | None = None, spare: SpareStreams | None = None
    ) -> CommandExit:
        """Waits for the end of the command; ends it when the assignment terminates or the deadline passes."""
        kill_at: Deadline | None = None
        killed = False
        while True:
            done = self._supervisor.poll(min(POLL_SECONDS, deadline.seconds_left) if kill_at is None else POLL_SECONDS)
            if done is not None:
                self._running = False
                break
            if spare is not None:
                spare.expire()
            if deadline.passed:
                self._termination.decide(TIMED_OUT, f"the command ran longer than the {max_duration:g} s it may take")
            if self._termination.decided and kill_at is None:
                self._supervisor.signal(signal.SIGTERM)
                kill_at = Deadline(self.grace_seconds if self._termination.report else 0)
            if kill_at is not None and kill_at.passed and not killed:
                self._supervisor.signal(signal.SIGKILL)
                killed = True
        self._join_readers()
        if self._termination.decided:
            self.exit = done
            raise Stopped
        return done

    def _join_readers(self) -> None:
        """Waits until the command's whole output is in the log buffer, or the gateway accepts no more lines."""
        for reader in self._readers:
            while reader.is_alive() and self._termination.lines_wanted:
                reader.join(POLL_SECONDS)

    def _last_words(self) -> str:
        return next((reader.last_line for reader in reversed(self._readers) if reader.last_line), "it gave no reason")


def _in_words(done: CommandExit) -> str:
    if done.signal is not None:
        return f"the command was killed by signal {done.signal} ({_signal_name(done.signal)})"
    code = done.exit_code or 0
    if code == NOT_FOUND:
        return f"the command ended with exit code {code}: something it calls was not found"
    if code > 128 and _signal_name(code - 128) != "unknown":
        return f"the command ended with exit code {code}, as after signal {code - 128} ({_signal_name(code - 128)})"
    return f"the command ended with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
