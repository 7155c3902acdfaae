"""One shell on a terminal of its own, beside the treatment's command."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pty
import select
import socket
import struct
import termios
import threading
import time
from typing import Callable, Optional

from ..execution.sandbox import LaunchSpec
from ..execution.supervisor import CommandSupervisor
from ..logs.masking import Masker
from ..shared.errors import AgentError
from . import frames
from .frames import Frame, FrameReader, TerminalSize
from .terminal_masker import TerminalMasker

#: Bytes of input that wait for a program that does not read; then no more is taken from the user.
LONGEST_INPUT = 1 << 16
_TICK = 1.0
ENDED = "the treatment's command is not running, or has ended, and every shell ends with it"


class ShellSession(threading.Thread):
    """Serves one user, whose terminal is at the other end of ``connection``.

    ``launch`` returns how to start the shell for a type of terminal. ``on_end`` is called at the end.
    """

    def __init__(
        self,
        connection: socket.socket,
        launch: Callable[[str], LaunchSpec],
        supervisor: CommandSupervisor,
        masker: Masker,
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(name="shell", daemon=True)
        self._connection, self._launch, self._supervisor, self._on_end = connection, launch, supervisor, on_end
        self._masker = TerminalMasker(masker)
        self._reader = FrameReader()
        self._master: Optional[int] = None
        self._status: Optional[int] = None
        self._input = bytearray()
        self._reason: Optional[str] = None
        self._heard = self._sent = time.monotonic()

    def end(self, reason: str) -> None:
        """Ends the shell soon, and tells its user why."""
        self._reason = reason

    def run(self) -> None:
        self._connection.settimeout(frames.SILENCE_SECONDS)
        try:
            while self._step():
                pass
        except (AgentError, ValueError) as error:
            self._send_last(frames.FAILED, str(error).encode())
        except OSError:
            return  # the user has gone
        finally:
            for descriptor in (self._master, self._status):
                if descriptor is not None:
                    os.close(descriptor)  # which hangs up on the shell
            self._connection.close()
            self._on_end()

    def _step(self) -> bool:
        """Handles what has come; returns False at the end."""
        reading: list[int] = [one for one in (self._master, self._status) if one is not None]
        if len(self._input) < LONGEST_INPUT:
            reading.append(self._connection.fileno())
        writing = [self._master] if self._input and self._master is not None else []
        due = self._masker.due_in
        readable, writable, _ = select.select(reading, writing, [], _TICK if due is None else min(due, _TICK))
        if self._connection.fileno() in readable and not self._receive():
            return False
        if writable:
            self._write_input()
        if self._master in readable and self._master is not None:
            self._show(self._read_output())
        if self._masker.due_in == 0:
            self._print(self._masker.flush())
        if self._status in readable and self._status is not None:
            self._finish(os.read(self._status, 64))
            return False
        return self._is_wanted()

    def _is_wanted(self) -> bool:
        now = time.monotonic()
        if self._reason is not None:
            raise AgentError(self._reason)
        if now - self._heard > frames.SILENCE_SECONDS:
            return False
        if now - self._sent > frames.ALIVE_EVERY:
            self._send(frames.ALIVE)
        return True

    def _receive(self) -> bool:
        content = self._connection.recv(1 << 16)
        if not content:
            return False
        self._heard = time.monotonic()
        for frame in self._reader.feed(content):
            self._take(frame)
        return True

    def _take(self, frame: Frame) -> None:
        if frame.kind == frames.OPEN and self._master is None:
            self._open(*frames.decode_size(frame.content))
        elif frame.kind == frames.INPUT:
            self._input += frame.content
        elif frame.kind == frames.END:
            # Not Ctrl-D: a shell that is about to read its line itself would not recognise it.
            self._input += b"\nexit\n"
        elif frame.kind == frames.RESIZE and self._master is not None:
            set_size(self._master, frames.decode_size(frame.content)[0])

    def _open(self, size: TerminalSize, terminal: str) -> None:
        launch = self._launch(terminal or "dumb")
        self._master, slave = pty.openpty()
        try:
            set_size(slave, size)
            os.set_blocking(self._master, False)
            self._status, theirs = os.pipe()
            try:
                self._supervisor.start_shell(launch, slave, theirs)
            finally:
                os.close(theirs)
        finally:
            os.close(slave)
        self._send(frames.READY)

    def _write_input(self) -> None:
        assert self._master is not None
        try:
            del self._input[: os.write(self._master, self._input[:4096])]
        except BlockingIOError:
            return
        except OSError:
            self._input.clear()  # no process has the terminal any more

    def _read_output(self) -> bytes:
        """Returns what the shell has printed; nothing once no process has the terminal."""
        assert self._master is not None
        try:
            return os.read(self._master, 1 << 16)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # Nobody has it open; only the exit code is still to come, and nothing more is read until then.
            time.sleep(0.01)
            return b""

    def _show(self, content: bytes) -> None:
        self._print(self._masker.feed(content) if content else b"")

    def _finish(self, report: bytes) -> None:
        """Sends the rest of the output and how the shell ended; ``report`` is empty if it was ended from outside."""
        while content := self._read_output():
            self._show(content)
        self._print(self._masker.flush())
        if not report:
            self._send_last(frames.FAILED, ENDED.encode())
            return
        ended = json.loads(report)
        if ended["error"]:
            self._send_last(frames.FAILED, f"the shell cannot be started: {ended['error']}".encode())
        else:
            self._send_last(frames.EXIT, json.dumps({"exit_code": ended["exit_code"]}).encode())

    def _print(self, content: bytes) -> None:
        for start in range(0, len(content), 1 << 15):
            self._send(frames.OUTPUT, content[start : start + (1 << 15)])

    def _send(self, kind: int, content: bytes = b"") -> None:
        self._connection.sendall(frames.encode(kind, content))
        self._sent = time.monotonic()

    def _send_last(self, kind: int, content: bytes) -> None:
        with contextlib.suppress(OSError):  # the user may have gone
            self._send(kind, content)


def set_size(terminal: int, size: TerminalSize) -> None:
    """Sets the size of a terminal, of which the kernel notifies its programs."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))
