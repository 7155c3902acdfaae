"""The front door passes on what it is given, byte for byte, and answers problems of its own in the API's shape."""

import asyncio
import base64
import http.client
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import requests

from cadence.local import front_door
from cadence.local.front_door import BODY_LIMIT, FrontDoor
from cadence.local.shared.ports import first_free
from tests.integration.local_stack.conftest import running_echo


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_echo(tmp_path_factory.mktemp("front-door")) as stack:
        yield stack.up().url


def test_bodies_queries_and_headers_arrive_as_they_were_sent(url: str) -> None:
    body = '{"signed" :  "é\\u00e9",\r\n"order":[3,1,2]}'.encode()
    headers = {"X-Hub-Signature-256": "sha256=abc", "Content-Type": "application/json", "Authorization": "Bearer t"}
    answer = requests.post(f"{url}/v1/a%2Fb/c?q=%20x&q=2", data=body, headers=headers, timeout=120).json()
    assert answer["body"].encode() == body
    assert answer["method"] == "POST"
    assert answer["query"] == "q=%20x&q=2"
    assert answer["headers"]["x-hub-signature-256"] == "sha256=abc"
    assert answer["headers"]["authorization"] == "Bearer t"
    assert answer["headers"]["content-type"] == "application/json"
    assert "content-encoding" not in answer["headers"]


def test_compressed_bodies_stay_compressed(url: str) -> None:
    body = base64.b64decode("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==")
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    answer = requests.post(f"{url}/v1/raw", data=body, headers=headers, timeout=120).json()
    assert answer["body"].encode("latin-1") == body
    assert answer["headers"]["content-encoding"] == "gzip"


def test_what_is_not_served_is_a_problem_document(url: str) -> None:
    for path in ("/v10/x", "/_ministack/health", "/_aws/execute-api/x", "/uix", "/assets/x.js"):
        answer = requests.get(url + path, timeout=120)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["code"] == "not_found"


def test_a_slash_after_the_address_of_the_dashboard_leads_to_it(url: str) -> None:
    answer = requests.get(f"{url}/ui/", timeout=120, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "/ui")


def test_every_path_of_the_api_is_served() -> None:
    described = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())["paths"]
    assert [path for path in described if not front_door._is_served(path)] == []


def test_a_path_cannot_climb_out_of_what_is_served(url: str) -> None:
    host = url.removeprefix("http://")
    for path in ("/v1/../../../../_ministack/health", "/v1/%2e%2e/%2E%2E/x", "/v1/./x"):
        connection = http.client.HTTPConnection(host, timeout=120)
        connection.request("GET", path)  # sent as it is, which a client for users would not do
        answer = connection.getresponse()
        assert answer.status == 404
        assert json.load(answer)["code"] == "not_found"
        connection.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_above_the_limit_are_refused(url: str, chunked: bool) -> None:
    body = b"x" * (BODY_LIMIT + 1)
    answer = requests.post(f"{url}/v1/large", data=iter([body]) if chunked else body, timeout=120)
    assert answer.status_code == 413
    assert answer.json()["status"] == 413


def test_without_a_stack_behind_it_the_front_door_says_so() -> None:
    async def ask() -> tuple[int, dict[str, object]]:
        nobody, port = first_free(), first_free()
        door = await FrontDoor(f"http://127.0.0.1:{nobody}", f"http://127.0.0.1:{nobody}").start("127.0.0.1", port)
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/v1/runs") as answer:
                return answer.status, await answer.json(content_type="application/problem+json")
        finally:
            await door.cleanup()

    status, problem = asyncio.run(ask())
    assert status == 503
    assert "cadence local status" in str(problem["detail"])


async def behind(door: FrontDoor, ask: Callable[[int], Awaitable[bytes]]) -> bytes:
    port = first_free()
    await door.start("127.0.0.1", port)
    try:
        return await ask(port)
    finally:
        await door.cleanup()


def sending(request: bytes, then: bytes = b"") -> Callable[[int], Awaitable[bytes]]:
    """Sends a request in part, or two of which the second is, and returns what comes until the connection is closed."""

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            answer = b""
            if then:
                answer = await reader.readuntil(b"}")
                writer.write(then)
            async with asyncio.timeout(60):
                return answer + await reader.read()
        finally:
            writer.close()

    return ask


@pytest.mark.parametrize(
    ("request_", "then"),
    [
        (b"", b""),
        (b"GET /v1/runs HTTP/1.1\r\nHost: localh", b""),
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /v1/runs HTTP/1.1\r\nHo"),
    ],
    ids=["nothing", "half a head", "half a second head"],
)
def test_a_connection_without_a_whole_head_is_closed(request_: bytes, then: bytes) -> None:
    door = FrontDoor("http://127.0.0.1:9", "http://127.0.0.1:9", head_seconds=1)
    answer = asyncio.run(behind(door, sending(request_, then)))
    assert (b"not_found" in answer) == bool(then)


def test_half_a_body_is_answered_and_the_connection_closed() -> None:
    door = FrontDoor("http://127.0.0.1:9", "http://127.0.0.1:9", body_seconds=0.1)
    request = b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf"
    answer = asyncio.run(behind(door, sending(request)))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive within 0.1 seconds" in answer


@pytest.mark.parametrize(
    ("path", "headers", "refused"),
    [
        ("/v1/runs", {"Origin": "https://evil.example"}, True),
        ("/v1/runs", {"Origin": "null"}, True),
        ("/webhooks/github/h", {"Origin": "https://evil.example"}, True),
        ("/v1/runs", {"Host": "evil.example"}, True),
        ("/ui", {"Host": "evil.example:4566"}, True),
        ("/v1/runs", {"Origin": "http://localhost:3000", "Host": "localhost"}, False),
        ("/v1/runs", {"Origin": "http://127.0.0.1:3000"}, False),
        ("/webhooks/github/h", {"Host": "tunnel.example"}, False),
        ("/runner/v1/claim", {"Host": "tunnel.example"}, False),
        ("/v1/live/socket", {"Host": "tunnel.example"}, False),
        ("/scim/v2/Users", {"Host": "tunnel.example"}, False),
        ("/.well-known/openid-configuration", {"Host": "tunnel.example"}, False),
        ("/v1/live/socket", {"Host": "evil.example", "Origin": "http://evil.example"}, True),
    ],
)
def test_foreign_pages_and_foreign_names_are_refused(
    url: str, path: str, headers: dict[str, str], refused: bool
) -> None:
    answer = requests.post(url + path, headers=headers, timeout=120)
    # What passes ends in the stack behind, which has no routes but `/v1`.
    assert (answer.status_code == 403) == refused, answer.text
    assert not refused or answer.json()["code"] == "forbidden"
