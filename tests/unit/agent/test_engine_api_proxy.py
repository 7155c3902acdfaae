"""The proxy of the Mélodium API beside an engine, before a control plane that does not always answer."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from runner_bootstrap.agent.melodium import engine_api_proxy
from runner_bootstrap.agent.melodium.engine_api_proxy import EngineApiProxy


class _Upstream(http.server.ThreadingHTTPServer):
    """Answers 503 as often as `failures` says, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures = 0
        self.paths: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        server = self.server
        assert isinstance(server, _Upstream)
        server.paths.append(self.path)
        status = 503 if len(server.paths) <= server.failures else 200
        content = json.dumps({"status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Does nothing."""


@pytest.fixture
def upstream() -> Iterator[_Upstream]:
    server = _Upstream()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_proxy_that_never_served_stops_at_once() -> None:
    """A worker whose machine lacks something fails before its engine starts; it must not wait for a server then."""
    proxy = EngineApiProxy("http://127.0.0.1:9", "token")
    stopping = threading.Thread(target=proxy.stop, daemon=True)
    stopping.start()
    stopping.join(60)
    assert not stopping.is_alive()


def test_what_an_engine_begins_with_is_repeated_longer_than_other_requests(
    upstream: _Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_api_proxy, "PATIENCE", 0.0)
    monkeypatch.setattr(engine_api_proxy, "full_jitter", lambda attempt: 0.001)
    upstream.failures = 3
    proxy = EngineApiProxy(f"http://127.0.0.1:{upstream.server_port}", None)
    for path, status, sent in (
        ("/0.1/execution/run/launched", 503, 1),
        ("/0.1/execution/report/request", 200, 3),
        ("/0.1/execution/run/start", 200, 1),
    ):
        before = len(upstream.paths)
        answer = proxy.answer("POST", path, "Bearer x", {}, b"{}")
        assert (answer.status, len(upstream.paths) - before) == (status, sent)
    proxy.stop()
