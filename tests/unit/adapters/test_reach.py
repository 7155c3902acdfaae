"""Addresses that users choose lead nowhere into the network that Cadence runs in."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import urllib3

from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # metadata of clouds
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "2002:a9fe:a9fe::1",  # 169.254.169.254 by 6to4
        "64:ff9b::a9fe:a9fe",  # and by NAT64
    ],
)
def test_addresses_of_a_network_of_ones_own_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("location", f"http://localhost:{self.server.server_port}/")  # type: ignore[attr-defined]
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(reach: EgressPolicy, url: str) -> int:
    retries = urllib3.Retry(total=None, connect=0, read=0, other=0, redirect=3)
    with guarded_pool(reach, user_agent="t", timeout=urllib3.Timeout(5), retries=retries) as pool:
        return int(pool.request("GET", url).status)


def test_only_named_hosts_may_have_private_addresses(server: HTTPServer) -> None:
    port = server.server_port
    with pytest.raises(EgressRefused, match="not a public address"):
        get(EgressPolicy(), f"http://127.0.0.1:{port}/")
    for hosts in ("*", "127.0.0.1", f"a.example,127.0.0.1:{port}"):
        assert get(EgressPolicy.of(hosts), f"http://127.0.0.1:{port}/") == 200
    with pytest.raises(EgressRefused):
        get(EgressPolicy.of("127.0.0.1:1"), f"http://127.0.0.1:{port}/")


def test_a_redirect_leads_nowhere_else(server: HTTPServer) -> None:
    with pytest.raises(EgressRefused, match="localhost"):
        get(EgressPolicy.of("127.0.0.1"), f"http://127.0.0.1:{server.server_port}/away")


def test_a_name_is_looked_up_once(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked at, and private a moment later, gets no connection to the private
    address.
    """
    real, connected = socket.getaddrinfo, []
    answers = iter(["8.8.8.8", "127.0.0.1"])

    def changing(host: str, port: int, *args: object, **rest: object) -> list[object]:
        if host == "rebinding.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]
        connected.append(host)
        return real("127.0.0.1", port, *args, **rest)  # type: ignore[arg-type, return-value]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    assert get(EgressPolicy(), f"http://rebinding.example:{server.server_port}/") == 200
    assert connected == ["8.8.8.8"]
