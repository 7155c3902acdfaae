"""A door in front of the object store that refuses, and lets the process that knocks be killed while it waits for an
answer.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.e2e.processes import process_of_connection

_NOT_PASSED_ON = frozenset({"connection", "transfer-encoding", "content-length", "date", "server", "expect"})


@dataclass
class FaultyStore:
    """`refusing` are parts of keys that are refused with 403.

    The next `kills` writers of segments are killed, each once its segment is stored.
    """

    url: str = ""
    refusing: set[str] = field(default_factory=set)
    kills: int = 0
    refused: list[str] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)

    def is_refused(self, path: str) -> bool:
        if any(part in path for part in self.refusing):
            self.refused.append(path)
            return True
        return False


@contextmanager
def faulty_store(behind: str) -> Iterator[FaultyStore]:
    """In front of the store at the address `behind`."""
    store = FaultyStore()
    guard = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            if self.headers.get("expect"):
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with guard:
                refused = store.is_refused(self.path)
            if refused:
                self._answer(403, {}, b"<Error><Code>AccessDenied</Code><Message>on purpose</Message></Error>")
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
            got = requests.request(self.command, behind + self.path, headers=headers, data=body, timeout=120)
            with guard:
                dies = store.kills > 0 and self.command == "PUT" and "/logs/" in self.path
                store.kills -= dies
            if dies:
                process = process_of_connection(self.client_address[1])
                assert process is not None, "nobody is at the other end"
                os.kill(process, signal.SIGKILL)
                store.killed.append(process)
                self.close_connection = True
                return
            self._answer(got.status_code, dict(got.headers), got.content)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = _serve

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
