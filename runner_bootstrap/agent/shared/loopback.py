"""Ports of the loopback interface: a free one, and whether a process listens at one, found out without a connection."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_PROC = Path("/proc")
_LISTEN = "0A"


def free_port() -> int:
    """Returns a port of the loopback interface that is not in use."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int, pid: int | str = "self") -> bool:
    """Returns whether a process of the same user listens at this port of the loopback interface or of all interfaces.

    ``pid`` selects the network namespace. An engine without TLS takes the first connection for the one that it waits
    for, so none is opened.
    """
    for name in ("tcp", "tcp6"):
        try:
            lines = (_PROC / str(pid) / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                return int(fields[7]) == os.getuid()
    return False


def network_identity() -> str:
    """Returns a name of this machine and its network namespace.

    Processes with the same name share a loopback interface.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        network = os.readlink(_PROC / "self/ns/net").strip("net:[]")
    except OSError:
        return f"{socket.gethostname()}:unknown"
    return f"{boot}:{network}"


def without_proxy(*hosts: str) -> "dict[str, str]":
    """Returns the variables that keep a process from using a proxy for these hosts, beside those it has already."""
    known = [os.environ[name] for name in ("NO_PROXY", "no_proxy") if os.environ.get(name)]
    names = ",".join(dict.fromkeys([*",".join(known).split(","), *hosts, "localhost"])).strip(",")
    return {"NO_PROXY": names, "no_proxy": names}
