"""TCP connections between an engine and its worker, over WebSocket messages that the control plane passes on.

Every end keeps what it sent until the other has it, and numbers bytes: so messages that are lost, doubled or overtake each
other do no harm, nor does a connection that breaks (a gateway ends each after two hours). The other end takes at most
``WINDOW`` more than it has handed on, so a slow reader slows the writer down.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from typing import Any, Callable, Optional

from .connections import full_jitter
from .websocket import WebSocket

WINDOW = 1 << 20
#: A gateway's messages have at most 128 KiB, of which base64 leaves three quarters.
LONGEST_PIECE = 90_000
#: An acknowledgement waits for company: so many seconds, or bytes.
ACK_AFTER, ACK_BYTES = 0.2, WINDOW // 4
#: What is not acknowledged is sent again after this (seconds).
AGAIN_AFTER = 3.0
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
        hello: Json,
        target: Optional[Callable[[], socket.socket]] = None,
    ) -> None:
        self._connect, self._address, self._hello, self._target = connect, address, hello, target
        self._lock = threading.RLock()
        self._streams: dict[int, _Stream] = {}
        self._known: set[int] = set()
        self._web: Optional[WebSocket] = None
        self._joined = threading.Event()
        self._closing = threading.Event()
        self.problem: Optional[str] = None

    def start(self) -> None:
        for work in (self._serve, self._tend):
            threading.Thread(target=work, name="tunnel", daemon=True).start()

    def open(self, connection: socket.socket) -> None:
        """Carry an accepted TCP connection to the other end, and whatever it says from now on."""
        with self._lock:
            number = max(self._known, default=0) + 1
            self._begin(number, connection)

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

    def _begin(self, number: int, connection: socket.socket) -> "_Stream":
        self._known.add(number)
        stream = self._streams[number] = _Stream(number, connection, self.send)
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
                web.send(json.dumps({**self._address, **self._hello}))
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
                self._hear(message["data"])
            elif kind == "joined":
                self._joined.set()
                self._again()
            elif kind == "peer":
                self._again()
            elif kind == "problem":
                self.problem = str(message.get("detail"))
                if message.get("status") in (401, 403, 404, 410):
                    # For good: nothing that is said again would be taken.
                    self._closing.set()
                    self.close()

    def _hear(self, data: Json) -> None:
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
                    stream = self._begin(number, self._target())
                except OSError:
                    self._known.add(number)
                    self.send({"stream": number, "reset": True})
                    return
        stream.hear(data)

    def _again(self) -> None:
        with self._lock:
            streams = list(self._streams.values())
        for stream in streams:
            stream.send_again()

    def _tend(self) -> None:
        while not self._closing.wait(_TICK):
            with self._lock:
                streams = list(self._streams.values())
            for stream in streams:
                stream.tend()
                if stream.is_over:
                    stream.abort()
                    with self._lock:
                        self._streams.pop(stream.number, None)


class _Stream:
    """One TCP connection. ``at`` counts bytes from 0; the end counts as one byte more, so that it is acknowledged too."""

    def __init__(self, number: int, connection: socket.socket, send: Callable[[Json], None]) -> None:
        self.number = number
        self._connection, self._send = connection, send
        self._changed = threading.Condition()
        self._sent: "dict[int, Optional[bytes]]" = {}
        self._next = self._acknowledged = 0
        self._progress = time.monotonic()
        self._expected = self._told = 0
        self._ahead: "dict[int, Optional[bytes]]" = {}
        self._heard_at = time.monotonic()
        self._read_end = self._write_end = False
        self._over = False
        self._pieces: "list[Optional[bytes]]" = []

    @property
    def is_over(self) -> bool:
        with self._changed:
            return self._over or (
                self._read_end and self._write_end and not self._sent and self._told == self._expected
            )

    def start(self) -> None:
        self._connection.settimeout(None)
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"tunnel-{self.number}", daemon=True).start()

    def abort(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def hear(self, data: Json) -> None:
        if data.get("reset"):
            self.abort()
            return
        with self._changed:
            if isinstance(data.get("ack"), int):
                self._acknowledge(data["ack"])
            at = data.get("at")
            if isinstance(at, int):
                piece = None if data.get("end") else base64.b64decode(data.get("bytes") or "")
                if at >= self._expected:
                    self._ahead[at] = piece
                else:
                    self._told = -1  # it has not heard that it is here
                self._take()
            self._changed.notify_all()

    def send_again(self) -> None:
        with self._changed:
            waiting = sorted(self._sent.items())
            self._progress = time.monotonic()
        for at, piece in waiting:
            self._tell(at, piece)

    def tend(self) -> None:
        """Acknowledge what has been handed on, and send again what nobody acknowledges."""
        with self._changed:
            late = self._sent and time.monotonic() - self._progress > AGAIN_AFTER
            due = self._told != self._expected and (
                self._told < 0 or self._write_end or time.monotonic() - self._heard_at > ACK_AFTER
            )
        if late:
            self.send_again()
        if due:
            self._tell_progress()

    def _acknowledge(self, through: int) -> None:
        if through > self._acknowledged:
            self._acknowledged = through
            self._progress = time.monotonic()
            for at in [at for at, piece in self._sent.items() if at + _size(piece) <= through]:
                del self._sent[at]

    def _take(self) -> None:
        while self._expected in self._ahead:
            piece = self._ahead.pop(self._expected)
            self._pieces.append(piece)
            # Acknowledged once it is handed on (see _write).
            self._expected += _size(piece)
        for at in [at for at in self._ahead if at < self._expected]:
            del self._ahead[at]

    def _offer(self, piece: Optional[bytes]) -> None:
        """Send, once there is room at the other end."""
        with self._changed:
            while not self._over and self._next - self._acknowledged > WINDOW:
                self._changed.wait()
            if self._over:
                return
            at = self._next
            self._next += _size(piece)
            self._sent[at] = piece
            if len(self._sent) == 1:
                self._progress = time.monotonic()
        self._tell(at, piece)

    def _tell(self, at: int, piece: Optional[bytes]) -> None:
        said: Json = {"stream": self.number, "at": at}
        said.update({"end": True} if piece is None else {"bytes": base64.b64encode(piece).decode()})
        self._send(said)

    def _tell_progress(self) -> None:
        with self._changed:
            through = self._expected - sum(_size(piece) for piece in self._pieces)
            self._told = through
            self._heard_at = time.monotonic()
        self._send({"stream": self.number, "ack": through})

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # reset by its own peer: to the other end that is an end like any other
            while not self._over:
                piece = self._connection.recv(LONGEST_PIECE)
                if not piece:
                    break
                self._offer(piece)
        self._offer(None)
        with self._changed:
            self._read_end = True

    def _write(self) -> None:
        handed = 0
        while True:
            with self._changed:
                while not self._pieces and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                piece = self._pieces[0]
            try:
                if piece is None:
                    self._connection.shutdown(socket.SHUT_WR)
                else:
                    self._connection.sendall(piece)
            except OSError:
                self._send({"stream": self.number, "reset": True})
                self.abort()
                return
            with self._changed:
                self._pieces.pop(0)
                if piece is None:
                    self._write_end = True
            handed += _size(piece)
            if piece is None or handed >= ACK_BYTES:
                handed = 0
                self._tell_progress()
            if piece is None:
                return


def _size(piece: Optional[bytes]) -> int:
    return 1 if piece is None else len(piece)
