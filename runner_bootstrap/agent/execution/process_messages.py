"""Messages between the agent's processes: JSON with file descriptors, over a socket pair."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_LENGTH = struct.Struct("!I")
MOST_DESCRIPTORS = 3


class ProcessMessage(NamedTuple):
    content: dict[str, Any]
    descriptors: list[int]


def send(end: socket.socket, content: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Sends a message and overwrites its serialised form, which may hold secrets.

    Raises OSError if the other process has ended.
    """
    text = bytearray(json.dumps(content).encode())
    try:
        header = [_LENGTH.pack(len(text))]
        if descriptors:
            socket.send_fds(end, header, list(descriptors))
        else:
            end.sendall(header[0])
        end.sendall(text)
    finally:
        text[:] = bytes(len(text))


def receive(end: socket.socket) -> ProcessMessage | None:
    """Returns the next message, whose descriptors the caller has to close; None if the other process has ended."""
    try:
        header, descriptors, _, _ = socket.recv_fds(end, _LENGTH.size, MOST_DESCRIPTORS)
        text = bytearray(_LENGTH.unpack(header)[0] if header else 0)
        view = memoryview(text)
        while len(view):
            count = end.recv_into(view)
            if not count:
                break
            view = view[count:]
    except ConnectionError:
        return None
    if not header or len(view):
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    try:
        return ProcessMessage(json.loads(text), list(descriptors))
    finally:
        view.release()
        text[:] = bytes(len(text))


def fork(serve: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
    """Forks a process that runs ``serve(its end of the socket pair)`` and then ends.

    Call it while there is only one thread. Returns the child's process id and this process's end of the socket pair.
    """
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        status = 1
        try:
            serve(theirs)
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    return pid, ours
