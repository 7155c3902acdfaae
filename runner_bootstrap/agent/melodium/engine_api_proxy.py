"""A proxy of the Mélodium API on the loopback interface, for engines on this machine.

An engine repeats no request and supports neither proxies nor private certificate authorities; this proxy does. It also
keeps the engine's token: the engine, and commands that inherit its environment, have one that is valid here only.
"""

from __future__ import annotations

import http.server
import json
import re
import secrets
import socketserver
import threading
import time
from typing import Any, Callable, NamedTuple, Optional

from ..gateway.connections import TRANSPORT_ERRORS, HttpConnections
from ..gateway.retry import describe, full_jitter
from ..shared.clock import Deadline
from ..shared.loopback import LOOPBACK

PREFIX = "/0.1"
#: Timeout of an answer (seconds): the control plane holds a request for a worker's address for 25 s.
ANSWER_SECONDS = 60.0
#: Seconds for which a request without an answer, or with the answer 5xx, is repeated.
PATIENCE = 20.0
#: The same for requests with which an engine begins: it sends them once, and without an answer it never reports.
BEGIN_PATIENCE = 300.0
_BEGINS = ("/execution/run/start", "/execution/report/request")
LONGEST_BODY = 10 << 20
_DASHBOARD = "/execution/report/dashboard/"
_ACCESS = re.compile(r"/execution/run/([0-9a-f-]{36})/access\Z")
_PATH = re.compile(r"/[A-Za-z0-9/._-]*\Z")


class ApiAnswer(NamedTuple):
    status: int
    content: bytes
    content_type: str = "application/json"
    location: Optional[str] = None


#: (JSON answer about a worker's address, token of the request) → the answer for the engine
Rewrite = Callable[[Any, str], Any]
#: (path below the prefix, JSON of the request) → None
Observe = Callable[[str, Any], None]


class EngineApiProxy:
    """``url`` and ``token`` are meant for the engine.

    If the argument ``token`` is None, each caller's own is passed on.
    """

    def __init__(
        self,
        upstream: str,
        token: Optional[str],
        rewrite: Rewrite = lambda answer, _: answer,
        observe: Observe = lambda *_: None,
        port: int = 0,
    ) -> None:
        self._upstream, self._token, self._rewrite, self._observe = upstream.rstrip("/"), token, rewrite, observe
        self.token = secrets.token_urlsafe(32) if token else None
        self._connections = HttpConnections(ANSWER_SECONDS)
        self._server = _ApiServer((LOOPBACK, port), self)
        self._serving: Optional[threading.Thread] = None
        self.port: int = self._server.server_address[1]
        self.url = f"http://{LOOPBACK}:{self.port}{PREFIX}"

    def start(self) -> None:
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="engine-api", daemon=True)
        self._serving.start()

    def stop(self) -> None:
        """Stops serving. Does not wait for a server that was never started, as `shutdown` would for ever."""
        if self._serving:
            self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str, headers: dict[str, str], body: bytes) -> ApiAnswer:
        """Returns the control plane's answer, or a problem that says why there is none."""
        if not path.startswith(PREFIX + "/") or not _PATH.match(path):
            return _problem(404, f"The Mélodium API is at {PREFIX}.")
        below = path[len(PREFIX) :]
        if method == "GET" and below.startswith(_DASHBOARD):
            # Git hosts were given this address, which works on this machine only.
            return ApiAnswer(302, b"{}", location=self._upstream + path)
        if self._token is not None:
            if not secrets.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
                return _problem(
                    401, "This address belongs to one engine: use the token in its variable MELODIUM_API_TOKEN."
                )
            authorization = f"Bearer {self._token}"
        if body:
            self._observe(below, _json(body))
        forwarded_headers = {**headers, "Authorization": authorization, "Accept": "application/json"}
        upstream_answer = self._forward(method, path, forwarded_headers, body)
        if upstream_answer.status == 200 and method == "GET" and _ACCESS.match(below):
            # Answered once the tunnel is open, since the engine connects at once and only once.
            token = authorization.partition(" ")[2]
            return upstream_answer._replace(
                content=json.dumps(self._rewrite(_json(upstream_answer.content), token)).encode()
            )
        return upstream_answer

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> ApiAnswer:
        deadline = Deadline(BEGIN_PATIENCE if path[len(PREFIX) :] in _BEGINS else PATIENCE)
        attempt = 0
        while True:
            try:
                upstream_answer = self._send_once(method, path, headers, body)
                if upstream_answer.status < 500 or upstream_answer.status == 501:
                    return upstream_answer
            except TRANSPORT_ERRORS as error:
                upstream_answer = _problem(502, f"The control plane cannot be reached: {describe(error)}.")
            pause = full_jitter(attempt)
            attempt += 1
            if pause >= deadline.seconds_left:
                return upstream_answer
            time.sleep(pause)

    def _send_once(self, method: str, path: str, headers: dict[str, str], body: bytes) -> ApiAnswer:
        response = self._connections.request(method, self._upstream + path, headers, body or None)
        content = response.read()
        kind = response.getheader("Content-Type") or "application/json"
        return ApiAnswer(response.status, content, kind, response.getheader("Location"))


class _ApiServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], api: EngineApiProxy) -> None:
        super().__init__(address, _ApiHandler)
        self.api = api

    def server_bind(self) -> None:
        # HTTPServer would resolve its own name, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores engines that close a connection before its answer."""


class _ApiHandler(http.server.BaseHTTPRequestHandler):
    """Answers as the engine's client requires: HTTP/1.1, with a length, one connection per request."""

    protocol_version = "HTTP/1.1"
    server: _ApiServer

    def _serve(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        chunked = "chunked" in (self.headers.get("Transfer-Encoding") or "").lower()
        if chunked or not 0 <= length <= LONGEST_BODY:
            self.close_connection = True
            self._respond(
                _problem(413 if length > LONGEST_BODY else 411, "Send a body with its length, of at most 10 MiB.")
            )
            return
        body = self.rfile.read(length)
        forwarded = ("Content-Type", "User-Agent")
        headers = {name: value for name in forwarded if (value := self.headers.get(name))}
        path = self.path.partition("?")[0]
        self._respond(
            self.server.api.answer(self.command, path, self.headers.get("Authorization") or "", headers, body)
        )

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - as the base class calls them

    def _respond(self, answer: ApiAnswer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        """Does nothing, since requests of engines do not belong into this process's output."""


def _problem(status: int, detail: str) -> ApiAnswer:
    return ApiAnswer(status, json.dumps({"error": [detail], "status": status, "detail": detail}).encode())


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
