"""Real listeners on the loopback interface: an HTTP server that keeps what is posted, and an SMTP server that keeps
mails.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpListener:
    """Answers with `status`; what is posted is kept whatever the answer is."""

    url: str = ""
    port: int = 0
    status: int = 200
    answer: bytes = b"ok"
    posted: list[Posted] = field(default_factory=list)
    refused: int = 0


@contextmanager
def http_listener(port: int = 0) -> Iterator[HttpListener]:
    """On a free port, or on one where a listener was before."""
    listener = HttpListener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if listener.status < 300:
                headers = {name.lower(): value for name, value in self.headers.items()}
                listener.posted.append(Posted(self.path, headers, body))
            else:
                listener.refused += 1
            self.send_response(listener.status)
            if 300 <= listener.status < 400:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(listener.answer)))
            self.end_headers()
            self.wfile.write(listener.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    listener.port = server.server_address[1]
    listener.url = f"http://127.0.0.1:{listener.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class SmtpListener:
    """Speaks as much of RFC 5321 as a client needs. `verdict` is its answer to the mail itself."""

    port: int = 0
    mails: list[tuple[str, list[str], str]] = field(default_factory=list)
    verdict: str = "250 taken"


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    listener: SmtpListener


class _SmtpHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 listener")
        sender, to = "", list[str]()
        while line := self.rfile.readline().decode().strip():
            match line.split(" ")[0].upper():
                case "MAIL":
                    sender, to = _address(line), []
                    self._say("250 yes")
                case "RCPT":
                    to.append(_address(line))
                    self._say("250 yes")
                case "DATA":
                    self._take(sender, to)
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 yes")

    def _take(self, sender: str, to: list[str]) -> None:
        assert isinstance(self.server, _SmtpServer)
        listener = self.server.listener
        self._say("354 go on")
        lines: list[str] = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line.removeprefix("."))
        if listener.verdict.startswith("2"):
            listener.mails.append((sender, to, "\n".join(lines)))
        self._say(listener.verdict)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def smtp_listener() -> Iterator[SmtpListener]:
    with _SmtpServer(("127.0.0.1", 0), _SmtpHandler) as server:
        server.listener = SmtpListener(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.listener
        finally:
            server.shutdown()
            thread.join()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
