"""FIFOs between the agent and the command, opened so that neither can block the other for ever."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import threading
import time
from collections.abc import Mapping
from typing import Callable

from ..beneath.held_directory import HeldDirectory
from ..shared.errors import AgentError, TreatmentFailed
from ..shared.termination import Termination

PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_O_PATH = getattr(os, "O_PATH", 0)
_BY_NAME = os.O_NOFOLLOW | os.O_CLOEXEC
_SELF = "/proc/self/fd"
_LOOK_EVERY = 16
#: Pauses (seconds) between checks whether the command has opened an input, in all and for each unopened input, and
#: whether it has reopened one that is already read, which then gets its end of file.
OPEN_EVERY, OPEN_EVERY_EACH, REOPEN_EVERY = 0.005, 0.0001, 0.1


class CommandEnd:
    """The end of the command, for threads that sleep and for those that poll (``descriptor`` hangs up then)."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.descriptor, self._writer = os.pipe()

    @property
    def reached(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)

    def set(self) -> None:
        if not self._event.is_set():
            self._event.set()
            os.close(self._writer)


class HeldFifo:
    """A FIFO that this object creates and keeps hold of: the agent never opens anything else in its place.

    Commands may remove it, or put a link or another file there.
    """

    def __init__(self, directory: HeldDirectory, name: str) -> None:
        """Creates the FIFO ``name`` in ``directory``. Raises AgentError."""
        self.name, self._directory = name, directory
        try:
            os.mkfifo(name, 0o600, dir_fd=directory.descriptor)
            # Linux opens the very file again by this descriptor; elsewhere what the name stands for is compared.
            self._held = os.open(name, _O_PATH | _BY_NAME, dir_fd=directory.descriptor) if _O_PATH else -1
            status = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        except OSError as error:
            raise AgentError(f"the stream {name} cannot be set up in the workspace: {error.strerror}") from error
        self._by_descriptor = f"{_SELF}/{self._held}" if self._held >= 0 and os.path.exists(_SELF) else ""
        self._tries = 0
        self._identity = (status.st_dev, status.st_ino)

    def open(self, flags: int) -> int:
        """Opens the FIFO without waiting for its other end. Raises OSError.

        ENXIO: it is opened for writing and has no reader. ENOENT: the command removed it. ESTALE: it was exchanged.
        """
        if self._by_descriptor:
            # An input is tried hundreds of times a second: what has its name now is looked at now and then.
            if self._tries % _LOOK_EVERY == 0:
                self._require_same(os.stat(self.name, dir_fd=self._directory.descriptor, follow_symlinks=False))
            self._tries += 1
            return os.open(self._by_descriptor, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        descriptor = os.open(self.name, flags | os.O_NONBLOCK | _BY_NAME, dir_fd=self._directory.descriptor)
        try:
            self._require_same(os.fstat(descriptor))
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def open_for_reading(self) -> int:
        """Opens the agent's end of an output for reading and writing.

        So the FIFO outlives each opening by the command.
        """
        descriptor = self.open(os.O_RDWR)
        _enlarge(descriptor)
        return descriptor

    def open_before_writer(self) -> int:
        """Opens the command's end of an input that is its standard input, before there is a writer."""
        descriptor = self.open(os.O_RDONLY)
        os.set_blocking(descriptor, True)
        return descriptor

    def open_after_reader(self) -> int:
        """Opens the command's end of an output that is its standard output, which the agent reads already."""
        descriptor = self.open(os.O_WRONLY | os.O_APPEND)
        os.set_blocking(descriptor, True)
        return descriptor

    def _require_same(self, status: os.stat_result) -> None:
        if (status.st_dev, status.st_ino) != self._identity:
            raise OSError(errno.ESTALE, "the command put another file in its place", self.name)


class FifoSink:
    """The agent's end of an input: writes as fast as the command reads."""

    def __init__(self, fifo: HeldFifo, termination: Termination) -> None:
        self._fifo, self._termination = fifo, termination
        self._descriptor = -1

    def open(self) -> bool:
        """Returns whether the command has opened the input for reading.

        Raises TreatmentFailed if the command put another file in the place of its input.
        """
        if self._descriptor < 0:
            self._descriptor = self._try_to_open()
            if self._descriptor >= 0:
                _enlarge(self._descriptor)
        return self._descriptor >= 0

    def write(self, content: memoryview) -> bool:
        """Writes all of ``content`` to an open FIFO.

        Returns false if the command accepts no more (it closed the input or has ended). Raises Stopped.
        """
        poller = select.poll()
        poller.register(self._descriptor, select.POLLOUT)
        while len(content):
            try:
                content = content[os.write(self._descriptor, content) :]
            except BlockingIOError:
                poller.poll(200)
                self._termination.check()
            except BrokenPipeError:
                return False
        return True

    def close(self) -> None:
        """Gives the command its end of file."""
        os.close(self._descriptor)
        self._descriptor = -1

    def end_again(self) -> None:
        """Gives the command its end of file if it has opened the input again."""
        with contextlib.suppress(TreatmentFailed):  # what the command does there is its own affair now
            descriptor = self._try_to_open()
            if descriptor >= 0:
                os.close(descriptor)

    def _try_to_open(self) -> int:
        try:
            return self._fifo.open(os.O_WRONLY)
        except OSError as error:
            # There is no reader yet, or the command removed its FIFO.
            if error.errno in (errno.ENXIO, errno.ENOENT):
                return -1
            if error.errno == errno.ESTALE:
                raise TreatmentFailed(
                    f"input {self._fifo.name}: {error.strerror}; read the file that $CADENCE_IN_… names, or copy it"
                ) from error
            raise


class FifoWatcher:
    """Detects which inputs the command opens by polling all of them, since a FIFO does not announce its readers."""

    def __init__(self, command_end: CommandEnd, termination: Termination) -> None:
        self._command_end, self._termination = command_end, termination
        self._finished: list[FifoSink] = []

    def add_finished(self, sink: FifoSink) -> None:
        """Registers an input that is read to its end: a later opening gets an end of file at once. Thread-safe."""
        sink.close()
        self._finished.append(sink)

    def watch(self, closed: Mapping[FifoSink, Callable[[], None]], check: Callable[[FifoSink], None]) -> None:
        """Calls the function of a sink once the command has opened it; returns when the command has ended.

        ``check`` is called for each unopened sink, and may raise. Raises Stopped.
        """
        waiting = dict(closed)
        look_again = 0.0
        while not self._command_end.wait(self._pause(len(waiting))):
            self._termination.check()
            for sink in list(waiting):
                check(sink)
                if sink.open():
                    waiting.pop(sink)()
            if time.monotonic() >= look_again:
                for sink in list(self._finished):
                    sink.end_again()
                look_again = time.monotonic() + REOPEN_EVERY

    @staticmethod
    def _pause(waiting: int) -> float:
        return max(OPEN_EVERY, waiting * OPEN_EVERY_EACH) if waiting else REOPEN_EVERY


def _enlarge(descriptor: int) -> None:
    try:
        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        # Not Linux, or the user's share of pipe memory is used up: the default size is only slower.
        return
