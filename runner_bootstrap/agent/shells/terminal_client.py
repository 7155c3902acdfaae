"""A user's end of a shell: connects this terminal with the shell through a tunnel."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import Optional

from ..shared.errors import AgentError
from ..tunnels.tunnel import Tunnel
from . import frames
from .frames import Frame, FrameReader, TerminalSize

JOIN_SECONDS, DRAIN_SECONDS = 60.0, 2.0
#: Seconds for the runner to answer: it asks for work to do at each heartbeat, at most ten seconds apart.
READY_SECONDS = 120.0
_TICK = 1.0
_NO_TERMINAL = (80, 24)
_JOIN_TICK = 0.1


def attach(tunnel: Tunnel, ready_seconds: float = READY_SECONDS) -> int:
    """Connects standard input and output with a shell until it ends; returns its exit code.

    Raises AgentError if the shell cannot be reached, or ended without an exit code.
    """
    tunnel.start()
    try:
        joined_until = time.monotonic() + JOIN_SECONDS
        while not tunnel.wait(_JOIN_TICK) and not tunnel.is_closed and time.monotonic() < joined_until:
            continue
        if not tunnel.wait(0):
            raise AgentError(f"the control plane does not connect the shell: {tunnel.problem or 'it does not answer'}")
        ours, theirs = socket.socketpair()
        tunnel.open(theirs)
        with contextlib.closing(ours):
            return _Terminal(ours, tunnel, ready_seconds).serve()
    finally:
        tunnel.drain(DRAIN_SECONDS)  # so that the runner need not wait for this end
        tunnel.close()


class _Terminal:
    def __init__(self, connection: socket.socket, tunnel: Tunnel, ready_seconds: float) -> None:
        self._connection, self._tunnel, self._ready_seconds = connection, tunnel, ready_seconds
        self._reader = FrameReader()
        self._is_ready = False
        self._input_ended = False
        self._exit: Optional[int] = None
        self._began = self._heard = self._sent = time.monotonic()

    def serve(self) -> int:
        self._send(frames.OPEN, _size().encode(os.environ.get("TERM", "dumb")))
        with _resizes() as resized:
            while not self._is_ready:
                self._step(resized, reads_input=False)
            with _raw_mode():
                while self._exit is None:
                    self._step(resized, reads_input=not self._input_ended)
        return self._exit

    def _step(self, resized: int, reads_input: bool) -> None:
        reading = [self._connection.fileno(), resized, *([sys.stdin.fileno()] if reads_input else [])]
        readable, _, _ = select.select(reading, [], [], _TICK)
        if resized in readable:
            os.read(resized, 4096)
            self._send(frames.RESIZE, _size().encode())
        if reads_input and sys.stdin.fileno() in readable:
            typed = os.read(sys.stdin.fileno(), 4096)
            self._input_ended = not typed
            self._send(frames.INPUT if typed else frames.END, typed)
        if self._connection.fileno() in readable:
            content = self._connection.recv(1 << 16)
            if not content:
                raise AgentError(
                    f"the connection to the shell has ended: {self._tunnel.problem or 'the runner left it'}"
                )
            self._heard = time.monotonic()
            for frame in self._reader.feed(content):
                self._take(frame)
        self._check()

    def _check(self) -> None:
        now = time.monotonic()
        if self._tunnel.is_closed:
            raise AgentError(f"the shell was refused: {self._tunnel.problem}")
        if not self._is_ready and now - self._began > self._ready_seconds:
            raise AgentError(
                f"the runner did not open the shell within {self._ready_seconds:g} s: its command may not have started "
                "yet, or its agent is older than this control plane"
            )
        if now - self._heard > frames.SILENCE_SECONDS:
            raise AgentError("the runner no longer answers")
        if now - self._sent > frames.ALIVE_EVERY:
            self._send(frames.ALIVE)

    def _take(self, frame: Frame) -> None:
        if frame.kind == frames.READY:
            self._is_ready = True
        elif frame.kind == frames.OUTPUT:
            _write(frame.content)
        elif frame.kind == frames.EXIT:
            self._is_ready, self._exit = True, int(json.loads(frame.content)["exit_code"])
        elif frame.kind == frames.FAILED:
            raise AgentError(frame.content.decode("utf-8", "replace"))

    def _send(self, kind: int, content: bytes = b"") -> None:
        self._connection.sendall(frames.encode(kind, content))
        self._sent = time.monotonic()


def _write(content: bytes) -> None:
    while content:
        content = content[os.write(sys.stdout.fileno(), content) :]


def _size() -> TerminalSize:
    try:
        # Not shutil's, which prefers the environment's COLUMNS and LINES, which do not follow the terminal.
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        columns, rows = _NO_TERMINAL
    return TerminalSize(rows, columns)


@contextlib.contextmanager
def _resizes() -> Iterator[int]:
    """Yields a descriptor that is readable once the terminal has another size."""
    read, write = os.pipe()
    os.set_blocking(write, False)

    def note(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):  # one note is enough
            os.write(write, b"r")

    before = signal.signal(signal.SIGWINCH, note)
    try:
        yield read
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(read)
        os.close(write)


@contextlib.contextmanager
def _raw_mode() -> Iterator[None]:
    """Passes every key on as it is; does nothing where standard input is no terminal."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSADRAIN)  # what was typed while the runner was waited for counts
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
