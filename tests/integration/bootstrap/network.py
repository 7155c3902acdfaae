"""What a machine that boots talks to: a server of files that is a gateway as well, and a proxy in front of it."""

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Net:
    """`files` by path; `asked` holds each request's line; `reports` each report, with its token."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    reports: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    url: str = ""

    @property
    def phases(self) -> list[str]:
        return [body["phase"] + ("" if body["ok"] else " failed") for _, _, body in self.reports]


@contextmanager
def served() -> Iterator[Net]:
    net = Net()

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            net.asked.append(f"GET {self.path}")
            refusals = net.answers.get(self.path)
            content = net.files.get(self.path.partition("?")[0])
            if refusals:
                self.answer(refusals.pop(0), b"busy")
            elif content is None:
                self.answer(404, b"nothing here")
            else:
                self.answer(200, content)

        def do_PUT(self) -> None:
            net.asked.append(f"PUT {self.path}")
            self.answer(200, b"session")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            net.reports.append((self.path, self.headers["Authorization"], body))
            self.answer(200, b"{}")

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Tests read what was asked from `asked`."""

    with listening(Server) as net.url:
        yield net


@contextmanager
def proxy() -> Iterator[Net]:
    """A proxy for plain HTTP. `asked` holds the whole addresses that went through it."""
    net = Net()

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.forward(None)

        def do_POST(self) -> None:
            self.forward(self.rfile.read(int(self.headers["Content-Length"])))

        def forward(self, body: bytes | None) -> None:
            net.asked.append(f"{self.command} {self.path}")
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
            # The name that only this proxy knows.
            url = self.path.replace("http://control.example", net.files["control"].decode())
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(urllib.request.Request(url, body, kept), timeout=120) as answer:
                content = answer.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Tests read what was asked from `asked`."""

    with listening(Proxy) as net.url:
        yield net


@contextmanager
def listening(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
