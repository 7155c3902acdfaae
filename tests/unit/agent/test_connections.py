"""Kept-alive connections, proxies, and retries."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runner_bootstrap.agent.gateway.client import GatewayClient
from runner_bootstrap.agent.gateway.connections import HttpConnections
from runner_bootstrap.agent.gateway.retry import full_jitter
from runner_bootstrap.agent.shared.errors import GatewayUnreachable, LeaseLost, RequestRefused


class Server:
    """Answers with the next of ``answers`` (status, headers), then 200; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self.close_after_each = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                owner.asked.append((self.path, dict(self.headers)))
                status, headers = owner.answers.pop(0) if owner.answers else (200, {})
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "2"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")
                # Closed without a word, as a load balancer does with an idle connection.
                self.close_connection = owner.close_after_each

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def slept() -> list[float]:
    return []


def test_one_connection_serves_many_requests(server: Server) -> None:
    connections = HttpConnections(5)
    gateway = GatewayClient(server.url, "token", connections)
    for _ in range(5):
        gateway.call("claim", {})
    connections.discard(server.url)
    assert server.connections == 1
    assert {path for path, _ in server.asked} == {"/runner/v1/claim"}


def test_a_connection_closed_meanwhile_is_replaced(server: Server) -> None:
    server.close_after_each = True
    connections = HttpConnections(5)
    gateway = GatewayClient(server.url, "token", connections)
    for _ in range(3):
        assert gateway.call("claim", {}, patience=0) == {}
    connections.discard(server.url)


def test_a_proxy_is_used_and_one_excepted_is_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//user:p%40ss@"))
    monkeypatch.setenv("no_proxy", "")
    connections = HttpConnections(5)
    GatewayClient("http://gateway.invalid:81", "token", connections).call("claim", {}, patience=0)
    connections.discard("http://gateway.invalid:81")
    path, headers = server.asked[0]
    assert path == "http://gateway.invalid:81/runner/v1/claim"
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    direct = HttpConnections(5)
    GatewayClient(server.url, "token", direct).call("claim", {}, patience=0)
    direct.discard(server.url)
    assert server.asked[1][0] == "/runner/v1/claim"


def test_a_busy_gateway_is_asked_again_after_the_time_it_names(server: Server, slept: list[float]) -> None:
    server.answers = [(503, {}), (429, {"Retry-After": "7"})]
    connections = HttpConnections(5)
    GatewayClient(server.url, "token", connections).call("claim", {}, sleep=slept.append)
    connections.discard(server.url)
    assert len(server.asked) == 3
    assert slept[0] <= 0.1
    assert slept[1] == 7


@pytest.mark.parametrize(
    ("status", "error"), [(400, RequestRefused), (401, RequestRefused), (409, RequestRefused), (410, LeaseLost)]
)
def test_a_refusal_is_final(server: Server, status: int, error: type[RequestRefused]) -> None:
    server.answers = [(status, {})]
    connections = HttpConnections(5)
    with pytest.raises(error) as raised:
        GatewayClient(server.url, "t0ken", connections).call("claim", {})
    connections.discard(server.url)
    assert raised.value.status == status
    assert "t0ken" not in str(raised.value)
    assert len(server.asked) == 1


def test_patience_ends(slept: list[float]) -> None:
    with pytest.raises(GatewayUnreachable, match=r"^the gateway cannot be reached: "):
        GatewayClient("http://127.0.0.1:1", "token").call("claim", {}, patience=0, sleep=slept.append)
    assert slept == []


def test_pauses_grow_to_a_bound() -> None:
    for attempt in range(100):
        assert 0 <= full_jitter(attempt, base=0.1, cap=10) <= min(10, 0.1 * 2 ** min(attempt, 16))
