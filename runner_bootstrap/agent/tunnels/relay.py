"""Changes answers about a worker's address, for an engine that asks for workers, to a port of this machine.

A worker on another machine is reached through the control plane, since neither machine can call the other; one on the
same machine and network directly. Bytes are passed on unchanged: the engines use TLS with each other, end to end.
"""

from __future__ import annotations

import socket
import threading
import urllib.parse
from typing import Any, Callable, Optional

from ..shared.loopback import LOOPBACK, network_identity
from .tunnel import CONNECT_SECONDS, Tunnel
from .websocket import WebSocket

JOIN_SECONDS = 20.0


class Relay:
    """Opens a tunnel and a local port for each worker on another machine."""

    def __init__(self, control_plane: str) -> None:
        self._control_plane = control_plane
        self._machine = network_identity()
        self._lock = threading.Lock()
        self._ports: dict[str, int] = {}
        self._closers: list[Callable[[], None]] = []

    def rewrite(self, answer: Any, token: str) -> Any:
        """Returns the answer with an address that leads to the worker; ``token`` is the asking engine's.

        Safe to repeat.
        """
        started = answer.get("started") if isinstance(answer, dict) else None
        if not isinstance(started, dict):
            return answer
        plain = {name: started[name] for name in ("id", "addresses", "port", "key")}
        if started.get("machine") == self._machine or not started.get("tunnel"):
            return {"started": plain}
        try:
            with self._lock:
                port = self._ports.get(plain["id"]) or self._open(plain["id"], started["tunnel"], token)
        except OSError as error:
            return {"error": [f"the worker cannot be reached through the control plane: {error}"]}
        return {"started": {**plain, "addresses": [LOOPBACK], "port": port}}

    def close(self) -> None:
        """Closes all ports and tunnels."""
        for close in self._closers:
            close()

    def _open(self, run_id: str, url: str, token: str) -> int:
        tunnel = connect_asker(self._control_plane, url, run_id, token)
        tunnel.start()
        if not tunnel.wait(JOIN_SECONDS):
            tunnel.close()
            raise OSError(tunnel.problem or "it does not answer")
        listener = socket.create_server((LOOPBACK, 0))
        self._closers += [listener.close, tunnel.close]
        threading.Thread(target=_accept, args=(listener, tunnel), name="relay", daemon=True).start()
        port: int = listener.getsockname()[1]
        self._ports[run_id] = port
        return port


def connect_asker(control_plane: str, url: str, run_id: str, token: str) -> Tunnel:
    """Creates the asking engine's end of a tunnel."""
    address = {"action": "tunnel", "run": run_id, "side": "asking"}
    return Tunnel(_connecting(control_plane, url), address, {"token": token})


def connect_worker(control_plane: str, url: str, run_id: str, runner_id: str, session: str, port: int) -> Tunnel:
    """Creates the worker's end of a tunnel, which connects to ``port`` of the loopback interface."""
    address = {"action": "tunnel", "run": run_id, "side": "worker"}

    def target() -> socket.socket:
        connection = socket.create_connection((LOOPBACK, port), CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    return Tunnel(_connecting(control_plane, url), address, {"runner": runner_id, "token": session}, target)


def connect_shell(
    control_plane: str,
    url: str,
    address: "dict[str, str]",
    join_message: "dict[str, str]",
    target: Optional[Callable[[], socket.socket]] = None,
) -> Tunnel:
    """Creates one end of a shell's tunnel; ``address`` is that of its messages, ``target`` is of the runner's end."""
    return Tunnel(_connecting(control_plane, url), {"action": "tunnel", **address}, join_message, target)


def _connecting(control_plane: str, url: str) -> Callable[[], WebSocket]:
    """Returns a function that connects to ``url``, which may be a path of the control plane."""
    full_url = urllib.parse.urljoin(control_plane.rstrip("/") + "/", url)
    return lambda: WebSocket(full_url)


def _accept(listener: socket.socket, tunnel: Tunnel) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tunnel.open(connection)
