"""Runs a command in another container of the pod, and stands for it here: streams, signals, exit code.

A standalone file that needs the standard library only: ``python -IS pod_exec.py FOLDER``. The folder is shared with the
container, whose first process (``runner_bootstrap/machine/container.sh``) waits there. Its file ``request`` describes
the command and is deleted as soon as it is read, so no variable is ever on a command line, in this process's
environment, or in a file for longer.
"""

import errno
import json
import os
import selectors
import shlex
import shutil
import signal
import sys
import time

#: Exit codes of container engines: the container could not be started, or the command was killed.
CANNOT_START, KILLED = 125, 137
#: Seconds within which a container has to accept a command.
TAKE_SECONDS = 30.0
#: Seconds to wait for output that other processes hold open once the command has ended: if they are killed, and if not.
AFTER_KILL_SECONDS, LINGER_SECONDS = 5.0, 0.2
LOOK_SECONDS = 0.005
BLOCK = 1 << 16
OWN_MODE = 0o600


class CommandNotTaken(Exception):
    """The container did not accept the command."""


class PodExec:
    """One command. ``folder`` is its own, within the folder that its container watches."""

    def __init__(self, folder: str, request: "dict[str, object]") -> None:
        self._folder, self._mailbox = folder, os.path.dirname(folder)
        self._alone = bool(request["alone"])
        self._script = script_of(request).encode("utf-8", "surrogateescape")
        self._selector = selectors.PollSelector()
        self._exit_text = b""
        self._code = None  # type: int | None
        self._open_ends = 0
        for name, target in (("out", 1), ("err", 2)):
            self._watch(self._end(name, os.O_RDONLY), lambda end, target=target: self._pass_on(end, target))
            self._open_ends += 1
        self._watch(self._end("exit", os.O_RDONLY), self._read_exit)
        self._end_of_script = os.path.join(folder, "script")
        os.mkfifo(self._end_of_script, OWN_MODE)
        # For reading and writing, so that the reader need not wait for a writer.
        self._input = self._end("in", os.O_RDWR) if request["interactive"] else None
        self._pending = b""
        if self._alone:
            self._catch_signals()

    def start(self) -> None:
        """Passes the command to its container. Raises CommandNotTaken."""
        send_line(self._mailbox, os.path.basename(self._folder))
        writer = open_for_writing(self._end_of_script)
        try:
            rest = memoryview(self._script)
            while rest:
                rest = rest[os.write(writer, rest) :]
        except BrokenPipeError:
            raise CommandNotTaken("its container has ended") from None
        finally:
            os.close(writer)
        if self._input is not None:
            self._watch(0, self._read_input)

    def follow(self) -> int:
        """Passes streams and signals on until the command has ended; returns its exit code."""
        until = None  # type: float | None
        while self._code is None or self._open_ends:
            ready = self._selector.select(None if until is None else until - time.monotonic())
            for key, _ in ready:
                key.data(key.fd)
            if self._code is not None and until is None:
                until = time.monotonic() + (AFTER_KILL_SECONDS if self._alone else LINGER_SECONDS)
            if until is not None and not ready:
                break
        return KILLED if self._code is None else self._code

    def _pass_on(self, end: int, target: int) -> None:
        piece = os.read(end, BLOCK)
        try:
            write_all(target, piece)
        except BrokenPipeError:
            piece = b""  # the reader has closed it, which the command has to notice
        if not piece:
            self._forget(end)
            self._open_ends -= 1

    def _read_exit(self, end: int) -> None:
        piece = os.read(end, BLOCK)
        self._exit_text += piece
        if piece:
            return
        self._forget(end)
        self._code = int(self._exit_text) if self._exit_text.strip() else KILLED
        if self._alone:
            # Its leftover processes are killed with it.
            self._signal("KILL")

    def _read_input(self, end: int) -> None:
        assert self._input is not None
        self._selector.unregister(end)
        self._pending = os.read(end, BLOCK)
        if self._pending:
            self._selector.register(self._input, selectors.EVENT_WRITE, self._write_input)
        else:
            os.close(self._input)

    def _write_input(self, end: int) -> None:
        self._pending = self._pending[os.write(end, self._pending) :]
        if not self._pending:
            self._selector.unregister(end)
            self._watch(0, self._read_input)

    def _catch_signals(self) -> None:
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._watch(woken, self._pass_signals_on)

    def _pass_signals_on(self, woken: int) -> None:
        for number in os.read(woken, BLOCK):
            self._signal(signal.Signals(number).name[len("SIG") :])

    def _signal(self, name: str) -> None:
        try:
            send_line(self._mailbox, f"signal-{name}", patience=0.0)
        except CommandNotTaken:
            return  # the container has ended, and its processes with it

    def _end(self, name: str, flags: int) -> int:
        path = os.path.join(self._folder, name)
        os.mkfifo(path, OWN_MODE)
        return os.open(path, flags | os.O_NONBLOCK)

    def _watch(self, end: int, work: "object") -> None:
        self._selector.register(end, selectors.EVENT_READ, work)

    def _forget(self, end: int) -> None:
        self._selector.unregister(end)
        os.close(end)


def script_of(request: "dict[str, object]") -> str:
    """Returns the script with which a shell becomes the command."""
    variables, command, folder = request["env"], request["command"], request["workdir"]
    assert isinstance(variables, dict) and isinstance(command, list)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines += [f"cd {shlex.quote(str(folder))} || exit 126"] if folder else []
    return "\n".join([*lines, f"exec {shlex.join(command)}", ""])


def send_line(mailbox: str, line: str, patience: float = TAKE_SECONDS) -> None:
    """Sends a line to the container. Raises CommandNotTaken."""
    end = open_for_writing(os.path.join(mailbox, "calls"), patience)
    try:
        os.write(end, f"{line}\n".encode())
    except BrokenPipeError:
        raise CommandNotTaken("its container has ended") from None
    finally:
        os.close(end)


def open_for_writing(path: str, patience: float = TAKE_SECONDS) -> int:
    """Opens a FIFO for writing as soon as it has a reader. Raises CommandNotTaken after ``patience`` seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        else:
            os.set_blocking(end, True)
            return end
        if time.monotonic() >= until:
            raise CommandNotTaken(f"its container did not answer within {patience:g} s")
        time.sleep(LOOK_SECONDS)


def write_all(target: int, piece: bytes) -> None:
    """Writes all of ``piece`` to the descriptor."""
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(target, rest) :]


def main(arguments: "list[str]") -> int:
    folder, *lines = arguments
    if lines:  # a line for a container, without a reply
        try:
            send_line(folder, lines[0], patience=0.0)
        except (CommandNotTaken, OSError):
            return CANNOT_START
        return 0
    file = os.path.join(folder, "request")
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as opened:
            request = json.load(opened)
        os.unlink(file)
        call = PodExec(folder, request)
        call.start()
        return call.follow()
    except (CommandNotTaken, OSError, ValueError) as error:
        print(f"cadence: the command could not be passed to its container: {error}", file=sys.stderr)
        return CANNOT_START
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    # Skips Python's own clean-up, which would only take time.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
