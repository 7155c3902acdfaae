"""Obtains the dump of a program, with everything that it consists of, without running any of it.

An engine reports its dump just before it launches. Here it has to launch a treatment that needs a model, which engines
refuse, and its report of that is answered only once the dump has arrived.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import socketserver
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..shared.errors import TreatmentFailed
from ..shared.loopback import LOOPBACK

LONGEST_SECONDS = 60
_LARGEST = 256 << 20


def dump(binary: str, compo: Path, entrypoint: str, home: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """Returns ``{"collection": {"elements": […]}, "entrypoint": …}``; ``options`` are further ones of ``melodium run``.

    Raises TreatmentFailed with the engine's messages.
    """
    with _DumpServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="dump", daemon=True).start()
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "MELODIUM_HOME": str(home),
            "MELODIUM_API_URL": server.url,
            "MELODIUM_API_TOKEN": "none",
            "NO_PROXY": "*",
            "NO_COLOR": "1",
        }
        argv = [binary, "run", "--api-report", *options, str(compo), entrypoint]
        try:
            done = subprocess.run(
                argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise TreatmentFailed(f"the engine did not read the program within {LONGEST_SECONDS} s") from None
        finally:
            server.shutdown()
    if server.program is None:
        messages = done.stderr.decode("utf-8", "replace").strip()
        raise TreatmentFailed(
            f"the engine cannot read the program: {messages[-2000:] or end_in_words(done.returncode)}"
        )
    program: dict[str, Any] = server.program
    return program


def end_in_words(status: int) -> str:
    """Says how an engine ended that printed nothing; ``status`` is as of ``subprocess``."""
    if status == -signal.SIGKILL:
        return f"it was killed by signal {-status}, as happens if the treatment has too little memory"
    return f"it was killed by signal {-status}" if status < 0 else f"it ended with status {status} and gave no reason"


class _DumpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _DumpHandler)
        self.url = f"http://{LOOPBACK}:{self.server_address[1]}"
        self.program: Any = None
        self.arrived = threading.Event()

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Does nothing: the engine may end before it is answered."""


class _DumpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _DumpServer

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/report/request"):
            put = {"presigned_put_s3": {"uri": f"{self.server.url}/program", "headers": {}}}
            answer = {"run_id": body.get("run_id"), "group_id": body.get("group_id"), "program": put}
            self._answer({**answer, "dashboard": None, "logs": None, "debug": None})
            return
        if self.path.endswith("/run/launched"):
            self.server.arrived.wait(LONGEST_SECONDS)
        self._answer({"ok": body.get("id")} if self.path.endswith("/run/start") else {})

    def do_PUT(self) -> None:
        self.server.program = self._body()
        self.server.arrived.set()
        self._answer({})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Does nothing: standard error belongs to the treatment."""

    def _body(self) -> Any:
        length = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
        try:
            return json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            return {}

    def _answer(self, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
