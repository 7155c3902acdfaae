"""A receiver of exports on the loopback interface, that can be told to refuse."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(gzip.decompress(self.body))


@dataclass
class Receiver:
    """`refuse` is `(status, headers, words)` to be answered, or None to accept; `picky` refuses bodies that hold its
    text.
    """

    url: str
    got: list[Got] = field(default_factory=list)
    refused: int = 0
    refuse: tuple[int, dict[str, str], str] | None = None
    picky: str | None = None

    @property
    def lines(self) -> list[str]:
        return [value[1] for got in self.got for stream in got.json["streams"] for value in stream["values"]]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            refusal = receiver.refuse
            if refusal is None and receiver.picky and receiver.picky.encode() in gzip.decompress(body):
                refusal = (400, {}, "this line is not welcome")
            if refusal is None:
                receiver.got.append(got)
            else:
                receiver.refused += 1
            status, headers, words = refusal or (204, {}, "")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(words)))
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
