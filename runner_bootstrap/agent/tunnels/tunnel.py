"""TCP connections between an engine and its worker, over WebSocket messages that the control plane passes on.

Each end keeps what it sent until the other has acknowledged it, and numbers bytes. So lost, repeated and reordered
messages do no harm, nor does a broken connection (a gateway ends each after two hours). The other end accepts at most
``WINDOW`` bytes more than it has delivered, so a slow reader slows the writer down.
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

#: Seconds between pings; a gateway closes a connection without messages after ten minutes.
PING_EVERY = 240.0
CONNECT_SECONDS = 10.0
_TICK = 0.1

Json = dict[str, Any]


class Tunnel:
    """One end of a tunnel.

    ``connect`` opens a WebSocket; ``join_message`` is the first message on it, and the others carry ``address``.
    ``target`` opens a TCP connection when the other end opens a stream; an end without one only opens streams itself.
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
        """Carries an accepted TCP connection to the other end."""
        with self._lock:
            number = max(self._known, default=0) + 1
            self._open_stream(number, connection)

    def wait(self, seconds: float) -> bool:
        """Waits at most ``seconds`` until this end has joined; returns whether it has."""
        return self._joined.wait(seconds)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, or refused for good."""
        return self._closing.is_set()

    def drain(self, seconds: float) -> None:
        """Waits at most ``seconds`` until all streams have ended and the other end has acknowledged it."""
        until = time.monotonic() + seconds
        while self._streams and not self._closing.is_set() and time.monotonic() < until:
            time.sleep(_TICK)

    def close(self) -> None:
        """Closes the tunnel and aborts its streams."""
        self._closing.set()
        with self._lock:
            streams, web = list(self._streams.values()), self._web
        for stream in streams:
            stream.abort()
        if web:
            web.close()

    def send(self, data: Json) -> None:
        """Sends data. It is lost while there is no connection, so the streams send it again."""
        web = self._web
        if web is None or not self._joined.is_set():
            return
        try:
            web.send(json.dumps({**self._address, "data": data}, separators=(",", ":")))
        except OSError:
            return  # the receiving thread notices it too, and reconnects

    def _open_stream(self, number: int, connection: socket.socket) -> "TunnelStream":
        self._known.add(number)
        stream = self._streams[number] = TunnelStream(number, connection, self.send)
        stream.start()
        return stream

    def _serve(self) -> None:
        """Keeps the tunnel connected."""
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
                    # Final: a repeated message would be refused again.
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
                    # The stream has ended here, so all of its data has been delivered.
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
