"""A WebSocket client (RFC 6455) for text messages, which the standard library lacks."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import select
import socket
import ssl
import struct
import threading
import urllib.parse
from typing import Optional

TIMEOUT = 30.0
#: Bytes of a frame: a gateway accepts no longer one; a message may have several.
LONGEST_FRAME = 32 << 10
LONGEST_MESSAGE = 1 << 20
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_LAST = 0x80


class WebSocketError(OSError):
    """The server does not speak WebSocket, or breaks its rules."""


class WebSocket:
    """Connects when created. One thread may receive while others send. Every method raises OSError."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = urllib.parse.urlsplit(url)
        secure = parts.scheme in ("wss", "https")
        address = (parts.hostname or "", parts.port or (443 if secure else 80))
        plain = socket.create_connection(address, timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = ssl.create_default_context().wrap_socket(plain, server_hostname=address[0]) if secure else plain
        self._sending = threading.Lock()
        self._read = bytearray()
        try:
            self._shake_hands(parts)
        except BaseException:
            self._socket.close()
            raise

    def send(self, text: str) -> None:
        """Sends a text message."""
        content = text.encode()
        pieces = [content[at : at + LONGEST_FRAME] for at in range(0, len(content), LONGEST_FRAME)] or [b""]
        with self._sending:
            for number, piece in enumerate(pieces):
                opcode = _CONTINUED if number else _TEXT
                self._frame(opcode | (_LAST if number == len(pieces) - 1 else 0), piece)

    def ping(self) -> None:
        with self._sending:
            self._frame(_PING | _LAST, b"")

    def receive(self, timeout: Optional[float] = None) -> Optional[str]:
        """Returns the next message; None once the server has closed.

        Raises socket.timeout after ``timeout`` seconds, after which it may be called again.
        """
        message = bytearray()
        while True:
            first, content = self._next_frame(timeout)
            opcode = first & 0x0F
            if opcode == _CLOSE:
                return None
            if opcode == _PING:
                with self._sending:
                    self._frame(_PONG | _LAST, content)
            elif opcode in (_TEXT, _CONTINUED):
                message += content
                if len(message) > LONGEST_MESSAGE:
                    raise WebSocketError("a message is too long")
                if first & _LAST:
                    return message.decode("utf-8", "replace")

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it may be closed already
            with self._sending:
                self._frame(_CLOSE | _LAST, b"")
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _frame(self, first: int, content: bytes) -> None:
        """Sends a frame. A client's frames are masked, so that no intermediary mistakes them for other protocols."""
        size = len(content)
        short = size < 126
        head = struct.pack("!BB", first, 0x80 | size) if short else struct.pack("!BBH", first, 0x80 | 126, size)
        mask = os.urandom(4)
        self._socket.sendall(head + mask + _masked(content, mask))

    def _next_frame(self, timeout: Optional[float]) -> tuple[int, bytes]:
        """Returns the next frame. Bytes stay in the buffer until the frame is complete, so a timeout loses nothing."""
        need = 2
        while True:
            while len(self._read) < need:
                self._fill(timeout)
            size = self._read[1] & 0x7F
            start = 2 + {126: 2, 127: 8}.get(size, 0)
            if len(self._read) < start:
                need = start
                continue
            if size >= 126:
                size = int.from_bytes(self._read[2:start], "big")
            if size > LONGEST_MESSAGE:
                raise WebSocketError("a frame is too long")
            if len(self._read) < start + size:
                need = start + size
                continue
            first, content = self._read[0], bytes(self._read[start : start + size])
            del self._read[: start + size]
            return first, content

    def _fill(self, timeout: Optional[float]) -> None:
        held = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
        if not held and not select.select([self._socket], [], [], timeout)[0]:
            raise socket.timeout("nothing came")
        # A TLS connection must not be read and written at the same time.
        with self._sending:
            piece = self._socket.recv(65536)
        if not piece:
            raise WebSocketError("the connection was closed")
        self._read += piece

    def _shake_hands(self, parts: urllib.parse.SplitResult) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._socket.sendall(
            (
                f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode("ascii")
        )
        while b"\r\n\r\n" not in self._read:
            piece = self._socket.recv(4096)
            if not piece or len(self._read) > 16384:
                raise WebSocketError("the server gives no answer that could be understood")
            self._read += piece
        head, _, rest = bytes(self._read).partition(b"\r\n\r\n")
        self._read = bytearray(rest)
        status, *lines = head.decode("latin-1").split("\r\n")
        if status.split(" ")[1:2] != ["101"]:
            raise WebSocketError(f"the server takes no WebSocket: {status}")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        expected = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()).decode()
        if headers.get("sec-websocket-accept") != expected:
            raise WebSocketError("the server's answer is for another request")


def _masked(content: bytes, mask: bytes) -> bytes:
    """Returns the content masked by exclusive or."""
    size = len(content)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(content, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
