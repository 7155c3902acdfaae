"""One TCP connection through a tunnel: bytes are numbered, and acknowledged once they are delivered."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from typing import Any, Callable, Optional

WINDOW = 1 << 20
#: Bytes of a piece: a gateway's messages have at most 128 KiB, of which base64 leaves three quarters.
LONGEST_PIECE = 90_000
#: An acknowledgement waits this long, or until so many bytes are delivered.
ACK_AFTER, ACK_BYTES = 0.2, WINDOW // 4
#: Seconds after which unacknowledged bytes are sent again.
AGAIN_AFTER = 3.0

Json = dict[str, Any]


class TunnelStream:
    """One TCP connection. ``at`` counts bytes from 0; the end counts as one byte, so that it is acknowledged too."""

    def __init__(self, number: int, connection: socket.socket, send: Callable[[Json], None]) -> None:
        self.number = number
        self._connection, self._send = connection, send
        self._changed = threading.Condition()
        self._sent: "dict[int, Optional[bytes]]" = {}
        self._next = self._acknowledged = 0
        self._progress = time.monotonic()
        self._expected = self._last_acknowledged = 0
        self._ahead: "dict[int, Optional[bytes]]" = {}
        self._acknowledged_at = time.monotonic()
        self._read_end = self._write_end = False
        self._over = False
        self._pieces: "list[Optional[bytes]]" = []

    @property
    def is_over(self) -> bool:
        with self._changed:
            return self._over or (
                self._read_end and self._write_end and not self._sent and self._last_acknowledged == self._expected
            )

    def start(self) -> None:
        """Starts to read and write the connection."""
        self._connection.settimeout(None)
        for work in (self._read, self._write):
            threading.Thread(target=work, name=f"tunnel-{self.number}", daemon=True).start()

    def abort(self) -> None:
        """Closes the connection."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):  # it may have ended already
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def receive(self, data: Json) -> None:
        """Handles a message of the other end."""
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
                    self._last_acknowledged = -1  # its acknowledgement was lost
                self._take()
            self._changed.notify_all()

    def send_again(self) -> None:
        """Sends all unacknowledged pieces again."""
        with self._changed:
            waiting = sorted(self._sent.items())
            self._progress = time.monotonic()
        for at, piece in waiting:
            self._send_piece(at, piece)

    def maintain(self) -> None:
        """Acknowledges delivered bytes, and sends again what has not been acknowledged in time."""
        with self._changed:
            late = self._sent and time.monotonic() - self._progress > AGAIN_AFTER
            due = self._last_acknowledged != self._expected and (
                self._last_acknowledged < 0 or self._write_end or time.monotonic() - self._acknowledged_at > ACK_AFTER
            )
        if late:
            self.send_again()
        if due:
            self._acknowledge_progress()

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
            # Acknowledged once it is delivered (see _write).
            self._expected += _size(piece)
        for at in [at for at in self._ahead if at < self._expected]:
            del self._ahead[at]

    def _send_when_room(self, piece: Optional[bytes]) -> None:
        """Sends a piece (None: the end) once the other end has room."""
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
        self._send_piece(at, piece)

    def _send_piece(self, at: int, piece: Optional[bytes]) -> None:
        message: Json = {"stream": self.number, "at": at}
        message.update({"end": True} if piece is None else {"bytes": base64.b64encode(piece).decode()})
        self._send(message)

    def _acknowledge_progress(self) -> None:
        with self._changed:
            through = self._expected - sum(_size(piece) for piece in self._pieces)
            self._last_acknowledged = through
            self._acknowledged_at = time.monotonic()
        self._send({"stream": self.number, "ack": through})

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # a reset by the local peer is passed on as an end
            while not self._over:
                piece = self._connection.recv(LONGEST_PIECE)
                if not piece:
                    break
                self._send_when_room(piece)
        self._send_when_room(None)
        with self._changed:
            self._read_end = True

    def _write(self) -> None:
        delivered = 0
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
            delivered += _size(piece)
            if piece is None or delivered >= ACK_BYTES:
                delivered = 0
                self._acknowledge_progress()
            if piece is None:
                return


def _size(piece: Optional[bytes]) -> int:
    return 1 if piece is None else len(piece)
