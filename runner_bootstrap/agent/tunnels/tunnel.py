"""TCP connections between an engine and its worker, over WebSocket messages that the control plane passes on.

Every end keeps what it sent until the other has it, and numbers bytes: so messages that are lost, doubled or overtake each
other do no harm, nor does a connection that breaks (a gateway ends each after two hours). The other end takes at most
``WINDOW`` more than it has handed on, so a slow reader slows the writer down.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any, Callable, Optional

from ..gateway.retry import full_jitter
from .tunnel_stream import TunnelStream
from .websocket import WebSocket

#: A gateway closes what says nothing for ten minutes.
PING_EVERY = 240.0
CONNECT_SECONDS = 10.0
_TICK = 0.1

Json = dict[str, Any]


class Tunnel:
    """One end. ``connect`` makes a new WebSocket; ``hello`` is the message that joins, the others name ``address`` instead.

    ``target`` is asked for a TCP connection when the other end opens a stream; an end without one only opens streams itself.
    """

    def __init__(
        self,
        connect: Callable[[], WebSocket],
        address: Json,
        join_message: Json,
        target: Optional[Callable[[], socket.socket]] = None,
    ) -> None:
        self._connect, self._address, self._join_message, self._target = connect, address, join_message, target
        self._lock = threading.RLock()
        self._streams: dict[int, TunnelStream] = {}
        self._known: set[int] = set()
        self._web: Optional[WebSocket] = None
        self._joined = threading.Event()
        self._closing = threading.Event()
        self.problem: Optional[str] = None

    def start(self) -> None:
        for work in (self._serve, self._maintain):
            threading.Thread(target=work, name="tunnel", daemon=True).start()

    def open(self, connection: socket.socket) -> None:
        """Carry an accepted TCP connection to the other end, and whatever it says from now on."""
        with self._lock:
            number = max(self._known, default=0) + 1
            self._open_stream(number, connection)

    def wait(self, seconds: float) -> bool:
        """Whether this end has joined."""
        return self._joined.wait(seconds)

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            streams, web = list(self._streams.values()), self._web
        for stream in streams:
            stream.abort()
        if web:
            web.close()

    def send(self, data: Json) -> None:
        """Lost while there is no connection: whoever sends sends again."""
        web = self._web
        if web is None or not self._joined.is_set():
            return
        try:
            web.send(json.dumps({**self._address, "data": data}, separators=(",", ":")))
        except OSError:
            return  # whoever receives notices as well, and connects anew

    def _open_stream(self, number: int, connection: socket.socket) -> "TunnelStream":
        self._known.add(number)
        stream = self._streams[number] = TunnelStream(number, connection, self.send)
        stream.start()
        return stream

    def _serve(self) -> None:
        """Stay connected."""
        attempt = 0
        while not self._closing.is_set():
            web = None
            try:
                web = self._connect()
                self._web = web
                web.send(json.dumps({**self._address, **self._join_message}))
                self._receive(web)
                attempt = 0
            except OSError as error:
                self.problem = str(error) or type(error).__name__
                attempt += 1
            finally:
                self._joined.clear()
                self._web = None
                if web:
                    web.close()
            self._closing.wait(full_jitter(attempt, 0.2, 5.0))

    def _receive(self, web: WebSocket) -> None:
        pinged = time.monotonic()
        while not self._closing.is_set():
            try:
                text = web.receive(1.0)
            except socket.timeout:
                if time.monotonic() - pinged > PING_EVERY:
                    web.ping()
                    pinged = time.monotonic()
                continue
            if text is None:
                return
            message = json.loads(text)
            kind = message.get("kind")
            if kind == "data":
                self._receive_data(message["data"])
            elif kind == "joined":
                self._joined.set()
                self._send_all_again()
            elif kind == "peer":
                self._send_all_again()
            elif kind == "problem":
                self.problem = str(message.get("detail"))
                if message.get("status") in (401, 403, 404, 410):
                    # For good: nothing that is said again would be taken.
                    self._closing.set()
                    self.close()

    def _receive_data(self, data: Json) -> None:
        number = data.get("stream")
        with self._lock:
            stream = self._streams.get(number) if isinstance(number, int) else None
            if stream is None:
                if not isinstance(number, int) or not isinstance(data.get("at"), int):
                    return
                if number in self._known or self._target is None:
                    # It is over here, so all that came has been handed on.
                    self.send({"stream": number, "reset": True})
                    return
                try:
                    stream = self._open_stream(number, self._target())
                except OSError:
                    self._known.add(number)
                    self.send({"stream": number, "reset": True})
                    return
        stream.receive(data)

    def _send_all_again(self) -> None:
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.send_again()

    def _maintain(self) -> None:
        while not self._closing.wait(_TICK):
            with self._lock:
                streams = list(self._streams.values())
            for stream in streams:
                stream.maintain()
                if stream.is_over:
                    stream.abort()
                    with self._lock:
                        self._streams.pop(stream.number, None)
