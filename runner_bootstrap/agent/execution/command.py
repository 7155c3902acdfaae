"""The command: started, followed, ended in time."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple, Optional, Protocol

from ..logs.buffer import LineReader, LogBuffer
from ..shared.clock import Deadline
from ..shared.errors import TIMED_OUT, AgentError, Stopped, TreatmentFailed
from ..shared.termination import Ending
from .sandbox import Launch
from .supervisor import NOT_FOUND, Exit, Keeper

GRACE_SECONDS = 5.0
#: Exit code by which a container engine reports that it could not start the container.
CONTAINER_NOT_STARTED = 125
POLL_SECONDS = 0.1


class ContainerRuntime(Protocol):
    """Runs the command in a container: a container engine, or the pod that this runner is in."""

    @property
    def kind(self) -> str:
        """Its name in messages: ``podman``, ``docker`` or ``the pod``."""

    def remove(self) -> None:
        """Ends the command's container, or everything that the command has started in it."""


class Stdio(NamedTuple):
    """What the command has instead of nothing to read and of the log, as descriptors that whoever starts it closes."""

    stdin: Optional[int] = None
    stdout: Optional[int] = None


_LOGGED = Stdio()


class Command:
    """Runs one command after the other through the keeper; ``exit`` is how the treatment's own ended."""

    def __init__(self, keeper: Keeper, log: LogBuffer, ending: Ending) -> None:
        self._keeper, self._log, self._ending = keeper, log, ending
        self._readers: list[LineReader] = []
        self._running = False
        self.exit: Exit | None = None
        self.engine: ContainerRuntime | None = None

    def pull(self, launch: Launch, image: str) -> None:
        """Fetch an image; its words become the agent's own lines. Raises AgentError with the engine's exit code."""
        self._start(launch, "agent", "agent")
        done = self._follow(Deadline(float("inf")))
        if done.exit_code != 0:
            raise AgentError(f"the image {image} cannot be pulled (exit code {done.exit_code}): {self._last_words()}")

    def prepare(self, launch: Launch, seconds: float) -> None:
        """Run something to its end that has to go well before the command can start. Raises TreatmentFailed if it does not."""
        self._start(launch, "stdout", "stderr")
        done = self._follow(Deadline(seconds), seconds)
        if done.exit_code != 0:
            self.exit = done
            raise TreatmentFailed(_in_words(done))

    def run(self, launch: Launch, max_duration: float | None, stdio: Stdio) -> None:
        """Run the treatment's command to its end, with what ``stdio`` opened, else with the log as its output.

        Raises TreatmentFailed when it does not end with 0, AgentError when its container could not be started,
        Stopped when the assignment was ended meanwhile (the command is then dead).
        """
        self._start(launch, "stdout", "stderr", stdio)
        self.exit = self._follow(Deadline(max_duration or float("inf")), max_duration)
        if self.exit.error:
            raise TreatmentFailed(f"the command cannot be started: {self.exit.error}")
        if self.engine and self.exit.exit_code == CONTAINER_NOT_STARTED:
            raise AgentError(f"{self.engine.kind} could not start the container: {self._last_words()}")
        if self.exit.exit_code != 0:
            raise TreatmentFailed(_in_words(self.exit))

    def kill(self) -> None:
        """Nothing of the command is alive when this returns."""
        if self._running:
            self._keeper.signal(signal.SIGKILL)
            while self._running:
                self._running = self._keeper.poll(POLL_SECONDS) is None
        if self.engine:
            self.engine.remove()

    def _start(self, launch: Launch, stdout: str, stderr: str, stdio: Stdio = _LOGGED) -> None:
        ends = []
        self._readers = []
        for stream, bound in ((stdout, stdio.stdout), (stderr, None)):
            if bound is None:
                ours, theirs = os.pipe()
                ends.append(theirs)
                self._readers.append(LineReader(ours, stream, self._log))
            else:
                ends.append(bound)
        try:
            self._keeper.start(launch, ends[0], ends[1], stdio.stdin)
            self._running = True
        finally:
            for end in (*ends, stdio.stdin):
                if end is not None:
                    os.close(end)
        for reader in self._readers:
            reader.start()

    def _follow(self, deadline: Deadline, max_duration: float | None = None) -> Exit:
        """Wait for the end of the command, bringing it about when the assignment ends or the deadline passes."""
        kill_at: Deadline | None = None
        killed = False
        while True:
            done = self._keeper.poll(min(POLL_SECONDS, deadline.left) if kill_at is None else POLL_SECONDS)
            if done is not None:
                self._running = False
                break
            if deadline.passed:
                self._ending.decide(TIMED_OUT, f"the command ran longer than the {max_duration:g} s it may take")
            if self._ending.decided and kill_at is None:
                self._keeper.signal(signal.SIGTERM)
                kill_at = Deadline(GRACE_SECONDS if self._ending.report else 0)
            if kill_at is not None and kill_at.passed and not killed:
                self._keeper.signal(signal.SIGKILL)
                killed = True
        self._join_readers()
        if self._ending.decided:
            self.exit = done
            raise Stopped
        return done

    def _join_readers(self) -> None:
        """All that the command printed is in the log buffer, unless nobody wants it any more."""
        for reader in self._readers:
            while reader.is_alive() and self._ending.report:
                reader.join(POLL_SECONDS)

    def _last_words(self) -> str:
        return next((reader.last_line for reader in reversed(self._readers) if reader.last_line), "it gave no reason")


def _in_words(done: Exit) -> str:
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
