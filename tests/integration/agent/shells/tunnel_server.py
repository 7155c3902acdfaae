"""A WebSocket server that passes messages between the two ends of tunnels, as the control plane does."""

import base64
import hashlib
import json
import struct
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE = 0x1, 0x8


class TunnelServer:
    """`tokens` are those that may join; `joined` lists what was sent to join, without tokens."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.joined: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.ends: dict[tuple[str, str], _Connection] = {}
        owner = self

        class Connection(_Connection):
            server_owner = owner

        self.server = ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self.server.daemon_threads = True
        self.url = f"ws://127.0.0.1:{self.server.server_address[1]}/"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def take(self, connection: "_Connection", message: dict[str, Any]) -> None:
        shell, side = message["shell"], message["side"]
        other = (shell, "asking" if side == "worker" else "worker")
        with self.lock:
            if "token" in message:
                if message.pop("token") not in self.tokens:
                    connection.post({"kind": "problem", "status": 403, "detail": "you may not"})
                    return
                self.joined.append(message)
                self.ends[shell, side] = connection
                connection.post({"kind": "joined", "peer": other in self.ends})
                if other in self.ends:
                    self.ends[other].post({"kind": "peer"})
            elif other in self.ends:
                self.ends[other].post({"kind": "data", "data": message["data"]})
            else:
                connection.post({"kind": "absent"})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class _Connection(StreamRequestHandler):
    server_owner: TunnelServer
    disable_nagle_algorithm = True

    def post(self, message: dict[str, Any]) -> None:
        content = json.dumps(message).encode()
        size = len(content)
        head = struct.pack("!BB", 0x80 | _TEXT, size) if size < 126 else struct.pack("!BBQ", 0x80 | _TEXT, 127, size)
        try:
            self.connection.sendall(head + content)
        except OSError:
            return  # it has gone

    def handle(self) -> None:
        nonce = b""
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                nonce = value.strip()
        accept = base64.b64encode(hashlib.sha1(nonce + _MAGIC, usedforsecurity=False).digest()).decode()
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.wfile.write(f"{answer}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        message = b""
        while (frame := self._frame()) is not None:
            last, opcode, content = frame
            if opcode == _CLOSE:
                break
            if opcode <= _TEXT:
                message += content
                if last:
                    self.server_owner.take(self, json.loads(message))
                    message = b""
        with self.server_owner.lock:
            mine = [key for key, end in self.server_owner.ends.items() if end is self]
            for ended in mine:
                del self.server_owner.ends[ended]

    def _frame(self) -> tuple[bool, int, bytes] | None:
        try:
            head = self.rfile.read(2)
            if len(head) < 2:
                return None
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(self.rfile.read(2), "big")
            elif size == 127:
                size = int.from_bytes(self.rfile.read(8), "big")
            mask, content = self.rfile.read(4), self.rfile.read(size)
        except (TimeoutError, OSError):
            return None
        return bool(head[0] & 0x80), head[0] & 0x0F, bytes(one ^ mask[at % 4] for at, one in enumerate(content))
