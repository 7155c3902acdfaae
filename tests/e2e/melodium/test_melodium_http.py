"""The engine's HTTP client is strict: HTTP/1.1, a body with a length or in chunks but never both, a small head.

Whatever it sends, it gets that.
"""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.e2e.api import Api
from tests.e2e.fake_engine import FakeEngine

RUN = "6d2f1c3e-8a57-4b0e-9c55-2f3c7a1be0d4"
ROUTES = [
    ("POST", "execution/run/start"),
    ("GET", f"execution/run/{RUN}/access"),
    ("POST", "execution/run/launched"),
    ("POST", "execution/run/ended"),
    ("POST", "execution/report/request"),
    ("POST", f"execution/report/run/{RUN}/program/details"),
    ("POST", f"execution/report/run/{RUN}/logs/chunks"),
    ("POST", f"execution/report/run/{RUN}/debug/chunks"),
    ("PUT", "execution/run/start"),
    ("POST", "execution/run/start/../../v1"),
    ("POST", ""),
]
BODIES = [
    None,
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"version":1}',
    b'{"chunks":-1}',
    b"\xff\xfe",
    b"[" * 10_000,
    b'{"mode":{}}',
]


@pytest.fixture(scope="module")
def connection(api: Api) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=120)) as connection:
        yield connection


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_malformed_requests_are_answered_so_that_the_engine_can_read_it(
    connection: http.client.HTTPConnection, api: Api, method: str, path: str
) -> None:
    for token in (api.token, "", "cad_wrong"):
        for body in BODIES if token == api.token else BODIES[:2]:
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            connection.request(method, f"/0.1/{path}", body, headers)
            _readable(connection.getresponse())


def test_what_an_engine_says_is_answered_so_that_it_can_read_it(
    connection: http.client.HTTPConnection, api: Api
) -> None:
    engine = FakeEngine(f"{api.url}/0.1", api.token)
    engine.start()
    body = json.dumps({"run_id": engine.run_id, "group_id": engine.group_id})
    headers = {"authorization": f"Bearer {api.token}", "content-type": "application/json"}
    connection.request("POST", "/0.1/execution/report/request", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert set(_readable(answer)) == {"run_id", "group_id", "dashboard", "logs", "debug", "program"}


def _readable(answer: http.client.HTTPResponse) -> dict[str, object]:
    content = answer.read()
    assert answer.version == 11
    assert 200 <= answer.status < 500, content[:300]
    length, chunked = answer.getheader("content-length"), answer.getheader("transfer-encoding")
    assert (length is None) != (chunked is None), answer.getheaders()
    assert length is None or int(length) == len(content)
    head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
    assert head < 8_000 and len(answer.getheaders()) <= 128
    said: dict[str, object] = json.loads(content)
    return said
