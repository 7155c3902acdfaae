"""Bytes through a tunnel whose messages are lost, doubled, and overtake each other."""

from __future__ import annotations

import json
import queue
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from runner_bootstrap.agent.tunnels import tunnel_stream
from runner_bootstrap.agent.tunnels.tunnel import Tunnel
from runner_bootstrap.agent.tunnels.tunnel_stream import WINDOW

PATIENCE = 180


class Passing:
    """What the control plane does, with whatever faults a test wants: `fault` says how often a message arrives, and
    whether late.
    """

    def __init__(self, fault: Callable[[], str]) -> None:
        self.fault = fault
        self.ends: dict[str, Web] = {}
        self.late: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.joins = 0

    def send(self, web: Web, text: str) -> None:
        message = json.loads(text)
        with self.lock:
            side, other = message["side"], {"asking": "worker", "worker": "asking"}[message["side"]]
            if "token" in message:
                self.joins += 1
                self.ends[side] = web
                web.messages.put(json.dumps({"kind": "joined"}))
                if other in self.ends:
                    self.ends[other].messages.put(json.dumps({"kind": "peer"}))
                return
            fault, text = self.fault(), json.dumps({"kind": "data", "data": message["data"]})
            if fault == "late":
                self.late.append((other, text))
                return
            for _ in range({"lost": 0, "doubled": 2}.get(fault, 1)):
                self._deliver(other, text)
            while self.late:
                self._deliver(*self.late.pop())

    def _deliver(self, side: str, text: str) -> None:
        if side in self.ends:
            self.ends[side].messages.put(text)


class Web:
    def __init__(self, passing: Passing) -> None:
        self.passing = passing
        self.messages: queue.Queue[str | None] = queue.Queue()
        self.closed = False

    def send(self, text: str) -> None:
        if self.closed:
            raise OSError("closed")
        self.passing.send(self, text)

    def receive(self, timeout: float) -> str | None:
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None

    def ping(self) -> None:
        """Nothing: it is there."""

    def close(self) -> None:
        self.closed = True
        self.messages.put(None)


class Ends:
    """An asking side that a client connects to, and a worker's side that leads to a server."""

    def __init__(self, fault: Callable[[], str]) -> None:
        self.passing = Passing(fault)
        self.server = socket.create_server(("127.0.0.1", 0))
        target = lambda: socket.create_connection(self.server.getsockname())  # noqa: E731
        connect: Any = lambda: Web(self.passing)  # noqa: E731
        self.worker = Tunnel(connect, {"side": "worker"}, {"token": "t"}, target)
        self.asking = Tunnel(connect, {"side": "asking"}, {"token": "t"})
        for end in (self.worker, self.asking):
            end.start()
            assert end.wait(PATIENCE)
        self.client, given = socket.socketpair()
        self.asking.open(given)

    def accepted(self) -> socket.socket:
        connection = self.server.accept()[0]
        connection.settimeout(PATIENCE)
        return connection

    def close(self) -> None:
        for end in (self.asking, self.worker):
            end.close()
        self.client.close()
        self.server.close()


@pytest.fixture
def ends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    monkeypatch.setattr(tunnel_stream, "AGAIN_AFTER", 0.2)
    chance = random.Random(7)
    kinds = getattr(request, "param", ["fine"])
    ends = Ends(lambda: chance.choice(kinds))
    ends.client.settimeout(PATIENCE)
    yield ends
    ends.close()


def everything(connection: socket.socket) -> bytes:
    found = bytearray()
    while piece := connection.recv(65536):
        found += piece
    return bytes(found)


def sending(connection: socket.socket, content: bytes) -> threading.Thread:
    def send() -> None:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("ends", [["fine"], ["fine", "fine", "fine", "lost", "doubled", "late"]], indirect=True)
def test_all_bytes_come_in_order_both_ways_and_then_the_end(ends: Ends) -> None:
    up, down = random.Random(1).randbytes(3_000_000), random.Random(2).randbytes(2_000_000)
    threads = [sending(ends.client, up)]
    server = ends.accepted()
    threads.append(sending(server, down))
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(everything(ends.client)))
    reader.start()
    assert everything(server) == up
    for thread in (*threads, reader):
        thread.join(PATIENCE)
    assert got == [down]
    server.close()


def test_a_broken_connection_is_made_anew_and_nothing_is_lost(ends: Ends) -> None:
    ends.client.sendall(b"before")
    server = ends.accepted()
    assert server.recv(6) == b"before"
    for side in ("asking", "worker"):
        ends.passing.ends[side].close()
    ends.client.sendall(b"after")
    assert server.recv(5) == b"after"
    server.sendall(b"back")
    assert ends.client.recv(4) == b"back"
    assert ends.passing.joins == 4
    server.close()


def test_who_does_not_read_slows_the_other_end_down(ends: Ends) -> None:
    ends.client.sendall(b"x")
    server = ends.accepted()
    ends.client.setblocking(False)
    ends.client.settimeout(1)
    sent = 0
    with suppress(socket.timeout):
        while sent < 64 * WINDOW:
            sent += ends.client.send(b"y" * 65536)
    assert sent < 32 * WINDOW  # the window, and what the machine's own buffers hold
    server.close()


def test_a_worker_that_takes_no_connection_ends_the_clients(ends: Ends) -> None:
    ends.server.close()
    ends.client.sendall(b"hello")
    assert ends.client.recv(1) == b""
