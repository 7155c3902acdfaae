"""Whatever is sent to the running stack, the answer is a problem document that says what is wrong, never an error of
ours.
"""

import base64
import gzip
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.endpoint import PUBLIC, Endpoint
from api.routes import ENDPOINTS
from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api

pytestmark = pytest.mark.slow

HELLO = (CHECKOUT / "examples" / "hello.yaml").read_text()
MEGABYTE = 1024 * 1024
JSON = {"content-type": "application/json"}
RUNS = "/v1/projects/default/runs"
RUNNER_ROUTES = (
    "hosts",
    "hosts/01host/lease",
    "claim",
    "runners/01runner/heartbeat",
    "runners/01runner/logs",
    "runners/01runner/outputs/port",
    "runners/01runner/inputs/port",
    "runners/01runner/complete",
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The problem document; fails if this is none, or if it tells of a fault of ours."""
        assert 400 <= self.status < 500, f"{self.status} {self.body[:500]!r}"
        problem: dict[str, Any] = json.loads(self.body)
        if self.headers["content-type"].startswith("application/scim+json"):  # the form of RFC 7644
            assert problem["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            assert problem["status"] == str(self.status) and problem["detail"]
            return problem
        assert self.headers["content-type"].startswith("application/problem+json"), self.body[:500]
        assert problem["status"] == self.status
        assert problem["code"] and problem["title"] and problem["detail"]
        assert problem["type"] == f"urn:cadence:problem:{problem['code']}"
        return problem


class Door:
    """Sends requests as they are, where a client for users would correct or refuse them."""

    def __init__(self, api: Api) -> None:
        self.address = urlsplit(api.url).netloc
        self.token = api.token

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str | bytes | None] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.putrequest(method, path, skip_accept_encoding=True)
        sent: dict[str, str | bytes | None] = {"authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None and not {"content-length", "transfer-encoding"} & set(sent):
            sent["content-length"] = str(len(body))
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def raw(self, text: bytes) -> Answer:
        """What comes back for bytes that need not be HTTP."""
        host, _, port = self.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(text)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())


@pytest.fixture(scope="module")
def door(api: Api) -> Iterator[Door]:
    """The stack still serves after all that was sent to it."""
    yield Door(api)
    run = api.finished(api.start(HELLO))
    assert run["state"] == "succeeded", run["cause"]


@pytest.fixture(scope="module")
def hello(api: Api) -> dict[str, str]:
    """The names of things that exist, by the names of the path parameters."""
    assert api.call("PUT", "/v1/projects/default/pipelines/hello", json={"document": HELLO}).ok
    assert api.call("PUT", "/v1/projects/default/secrets/known", json={"value": "v"}).ok
    token = api.call("POST", "/v1/tokens", json={"name": "another", "permissions": ["runs:read"]}).json()
    run = api.finished(api.start(HELLO))
    return {
        "project": "default",
        "pipeline": "hello",
        "secret": "known",
        "run_id": run["run_id"],
        "treatment": "greet",
        "sha256": api.value(run["run_id"], "greet", "greeting")["sha256"],
        "token_id": token["token_id"],
    }


def token_for(api: Api, project: str, permissions: list[str], **more: Any) -> dict[str, str]:
    answer = api.call("POST", "/v1/tokens", json={"name": "t", "project": project, "permissions": permissions, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def bearing(token: str) -> dict[str, str]:
    return {**JSON, "authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"{} {}", 400),
        (b'{"document": NaN}', 400),
        (b"[" * 50_000, 400),
        (b"\x00", 400),
        (b'{"document": "\x00"}', 400),
        (b"\xff\xfe{}", 400),
        (gzip.compress(b'{"document": {}}', mtime=0), 400),
        (b"null", 422),
        (b"[]", 422),
        (b'{"document": 3}', 422),
        (b'{"document": "\\u0000"}', 422),
        (b'{"document": "\\ud800"}', 422),
        (b'{"document": {}, "parameters": []}', 422),
        (b'{"document": {}, "surprise": 1}', 422),
        (b'{"document": {"cadence": 1e400}}', 422),
        (b'{"document": {"cadence": ' + b"9" * 5_000 + b"}}", 400),
    ],
)
def test_bodies(door: Door, body: bytes, status: int) -> None:
    answer = door("POST", RUNS, body, JSON)

    answer.problem()
    assert answer.status == status


@pytest.mark.parametrize("path", [RUNS, "/runner/v1/claim", "/webhooks/github/unknown"])
@pytest.mark.parametrize("size", [10 * MEGABYTE, 12 * MEGABYTE])
def test_large_bodies(door: Door, path: str, size: int) -> None:
    answer = door("POST", path, b" " * size, JSON)

    answer.problem()
    assert answer.status in ({413, 401} if path.startswith("/webhooks") else {413})


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "a" * 500,
        "/",
        "application/xml; q=\xe9",
    ],
)
def test_content_types(door: Door, content_type: str) -> None:
    answer = door("POST", RUNS, b"{}", {"content-type": content_type})

    answer.problem()
    assert answer.status == 415


@pytest.mark.parametrize(
    "path",
    [
        "/v1", "/v1/", "/v1/nothing", "/v1//runs", "/V1/runs", "/v1/runs/", "/metrics/", "/metrics/x", "/0.1/x",
        "/runner", "/runner/v1", "/webhooks", "/webhooks/github", "/webhooks/github/x/y", "//v1/runs", "/v1/runs\\x",
        "/v1/../v1/runs", "/v1/%2e%2e/v1/runs", "/v1/runs/..%2f..%2fetc%2fpasswd", "/v1/schemas/..%2f..%2fetc/passwd",
        "/v1/runs/%00", "/v1/runs/%ff", "/v1/runs/%", "/v1/runs/%0d%0aX-Injected:%20yes", "/v1/runs/" + "a" * 8_000,
        "/v1/runs/x/treatments/" + "a" * 4_000, "/v1/projects/" + "a" * 4_000 + "/pipelines", "/v1/runs/'%22%3Cscript%3E",
    ],
)  # fmt: skip
def test_unknown_addresses(door: Door, path: str) -> None:
    answer = door("GET", path)

    answer.problem()
    assert answer.status == 404
    assert "x-injected" not in answer.headers


def test_the_root_leads_to_the_dashboard(door: Door) -> None:
    answer = door("GET", "/")
    assert (answer.status, answer.headers["location"]) == (302, "/ui")


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "PROPFIND", "OPTIONS", "DELETE", "HEAD", "FOO", "get"])
@pytest.mark.parametrize("path", [RUNS, "/metrics", "/runner/v1/claim", "/webhooks/github/x"])
def test_methods(door: Door, method: str, path: str) -> None:
    answer = door(method, path)

    assert answer.status in {400, 403, 404, 405}
    assert answer.headers["content-type"].startswith("application/problem+json")
    if method != "HEAD":
        answer.problem()
    if method in {"PATCH", "DELETE", "HEAD"}:
        assert answer.status == 405
        assert answer.headers["allow"] == ("GET" if path == "/metrics" else "POST")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=1e5", "limit=" + "9" * 4_000, "limit=", "limit=1&limit=2", "unknown=1", "state=nonsense",
        "cursor=", "cursor=abc", "cursor=" + "a" * 1_000, "cursor=" + "QUJD" * 30, "cursor=%00", "project=%00",
        "project=UPPER", "limit=%ff", "pipeline=" + "a" * 1_000,
    ],
)  # fmt: skip
def test_queries(door: Door, query: str) -> None:
    answer = door("GET", f"/v1/runs?{query}")

    answer.problem()
    assert answer.status in {400, 422}


def test_a_cursor_is_good_for_its_listing_only(
    door: Door, api: Api, other_organization: Api, hello: dict[str, str]
) -> None:
    api.finished(api.start(HELLO))
    cursor = api.get("/v1/runs", limit=1)["next"]
    assert cursor

    assert door("GET", f"/v1/runs?limit=1&cursor={cursor}").status == 200
    for query in (f"cursor={cursor}&state=failed", f"cursor={cursor[:-2]}AA", f"cursor={cursor}AA"):
        assert door("GET", f"/v1/runs?{query}").problem()["violations"][0]["code"] == "bad_cursor"
    stranger = bearing(other_organization.token)
    assert door("GET", f"/v1/runs?cursor={cursor}", None, stranger).problem()["violations"][0]["code"] == "bad_cursor"


@pytest.mark.parametrize(
    "query",
    ["after=nonsense", "after=" + "9" * 40, "after=%00", "wait=nan", "wait=1e400", "wait=99", "grep=%5B", "grep="],
)
def test_queries_of_logs(door: Door, hello: dict[str, str], query: str) -> None:
    answer = door("GET", f"/v1/runs/{hello['run_id']}/logs?{query}")

    answer.problem()
    assert answer.status in {400, 422}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("trace", 422),
        ("trace?port=nonsense", 422),
        ("trace?port=no.such", 404),
        ("trace?port=greet.greeting&offset=-1", 422),
        ("trace?port=greet.greeting&offset=" + "9" * 30, 422),
        ("values/" + "0" * 64, 404),
        ("values/nonsense", 404),
        ("values/{sha256}?first_chunk=99", 422),
        ("values/{sha256}?first_chunk=" + "9" * 30, 422),
        ("treatments/nonsense", 404),
        ("treatments/%00", 404),
    ],
)
def test_questions_about_a_run(door: Door, hello: dict[str, str], path: str, status: int) -> None:
    answer = door("GET", f"/v1/runs/{hello['run_id']}/" + path.replace("{sha256}", hello["sha256"]))

    answer.problem()
    assert answer.status == status


@pytest.mark.parametrize("key", ["", " ", "a" * 201, "a\tb", b"\xe9\xff", "a" * 5_000])
def test_idempotency_keys(door: Door, key: str) -> None:
    body = json.dumps({"document": HELLO}).encode()

    answer = door("POST", RUNS, body, {**JSON, "idempotency-key": key})

    answer.problem()
    assert answer.status == 422


def test_a_key_used_for_something_else_is_refused(door: Door) -> None:
    keyed = {**JSON, "idempotency-key": "bad-requests"}
    first, other = (json.dumps({"document": HELLO, "parameters": {"name": name}}).encode() for name in ("a", "b"))

    assert door("POST", RUNS, first, keyed).status == 201
    assert door("POST", RUNS, other, keyed).problem()["code"] == "conflict"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer cad_x", f"Bearer cad_{'0' * 26}_{'x' * 43}", "Bearer " + "a" * 5_000,
     "Bearer \xe9", "Bearer cad_\x7f", b"Bearer \xff\xfe"],
)  # fmt: skip
def test_tokens(door: Door, hello: dict[str, str], authorization: str | bytes | None) -> None:
    for endpoint in protected():
        answer = door(endpoint.method, address(endpoint, hello), b"{}", {**JSON, "authorization": authorization})
        assert answer.status in {400, 401}, f"{endpoint.method} {endpoint.path}"
        answer.problem()


def test_expired_and_revoked_tokens(door: Door, api: Api, stack: Any, hello: dict[str, str]) -> None:
    revoked = token_for(api, "*", ["*"])
    assert door("GET", "/v1/runs", None, bearing(revoked["token"])).status == 200
    assert api.call("DELETE", f"/v1/tokens/{revoked['token_id']}").status_code == 204
    expired = token_for(api, "*", ["*"], expires_in=60)
    expire(stack, expired["token_id"])

    for token in (revoked["token"], expired["token"]):
        for endpoint in protected():
            answer = door(endpoint.method, address(endpoint, hello), b"{}", bearing(token))
            assert answer.status == 401, f"{endpoint.method} {endpoint.path}"
            answer.problem()


def expire(stack: Any, token_id: str) -> None:
    """As if the token had been made a minute earlier."""
    from tests.e2e.account import Account

    dynamodb = Account(stack).root("dynamodb")
    table = next(name for name in dynamodb.list_tables()["TableNames"] if name.endswith("access"))
    key = {"pk": {"S": f"TOKEN#{token_id}"}, "sk": {"S": "TOKEN"}}
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    assert "valid_until" in item, sorted(item)
    item["valid_until"] = {"S": "2001-01-01T00:00:00.000000+0000"}
    dynamodb.put_item(TableName=table, Item=item)


def test_things_of_others_do_not_exist(door: Door, api: Api, other_organization: Api, hello: dict[str, str]) -> None:
    assert api.call("POST", "/v1/projects", json={"name": "neighbour"}).status_code in {201, 409}
    neighbour = token_for(api, "neighbour", ["*"])["token"]
    bodies: dict[str, dict[str, Any]] = {
        "put_pipeline": {"document": HELLO},
        "start_document": {"document": HELLO},
        "put_secret": {"value": "v"},
    }
    program = {"content": base64.b64encode(b"#! name = x\ntreatment main() {}\n").decode()}
    bodies |= {
        "read_program": program,
        "put_program": program,
        "put_retention": {"days": 3},
        "put_storage": {"mebibytes": 3},
        "put_badges": {"public": False},
        "set_hold": {"reason": "r"},
    }
    bodies |= {"validate_document": {"document": HELLO}, "rerun": {"from": "all"}, "decide": {"decision": "approve"}}

    for token in (neighbour, other_organization.token):
        for endpoint in protected():
            if not {"run_id", "token_id", "project"} & set(endpoint.parameters):
                continue
            if token == other_organization.token and "project" in endpoint.parameters:
                continue  # it has a project of the same name
            body = json.dumps(bodies.get(endpoint.function.__name__, {})).encode()
            answer = door(endpoint.method, address(endpoint, hello), body, bearing(token))
            assert answer.status == 404, f"{endpoint.method} {endpoint.path}"
            answer.problem()
    stranger = bearing(other_organization.token)
    for path in ("/v1/projects/default/pipelines/hello", "/v1/projects/default/pipelines/hello/versions"):
        assert door("GET", path, None, stranger).status == 404
    assert door("DELETE", "/v1/projects/default/secrets/known", None, stranger).status == 404
    for listing in (
        "/v1/runs",
        "/v1/githosts",
        "/v1/pools",
        "/v1/hosts",
        "/v1/runners",
        "/v1/projects/default/secrets",
    ):
        assert json.loads(door("GET", listing, None, stranger).body)["items"] == []
    assert door("GET", f"/v1/runners?run={hello['run_id']}", None, stranger).status == 404
    assert api.run(hello["run_id"])["state"] == "succeeded"
    assert [one["name"] for one in api.get("/v1/projects/default/secrets")["items"] if one["name"] == "known"]


@pytest.mark.parametrize("route", RUNNER_ROUTES)
def test_the_runners_routes(door: Door, route: str) -> None:
    path = f"/runner/v1/{route}"
    for token in (None, "", "Bearer x", f"Bearer {door.token}", "Bearer \xe9", "Basic YTpi"):
        for body in (b"", b"{", b"\xff", b"[]", b"{}", b'{"a": 1e999}', b'"\\ud800"'):
            answer = door("POST", path, body, {**JSON, "authorization": token})
            answer.problem()
            assert answer.status in {400, 401, 422}
    assert door("POST", path + "/more", b"{}", JSON).status == 404


def test_well_formed_words_of_a_runner_without_its_token(door: Door) -> None:
    claim = json.dumps({"runner_id": "01runner-000000000000-1", "nonce": "0" * 32, "facts": {}}).encode()
    heartbeat = json.dumps({"phase": "running", "samples": []}).encode()
    join = json.dumps({"pool": "local", "name": "evil", "facts": {}, "slots": 1}).encode()

    for path, body in (("claim", claim), ("runners/01runner/heartbeat", heartbeat), ("hosts", join)):
        answer = door("POST", f"/runner/v1/{path}", body, bearing("x" * 43))
        answer.problem()
        assert answer.status in {401, 403, 410, 422}, answer.body


def test_the_webhooks_route(door: Door, api: Api) -> None:
    hook = api.call("POST", "/v1/githosts", json={"kind": "github", "project": "default", "name": "bad"}).json()
    sent = {**JSON, "x-github-event": "push", "x-github-delivery": "1", "authorization": None}

    for path in (
        hook["webhook_path"],
        hook["webhook_path"].replace("github", "gitlab"),
        "/webhooks/github/unknown",
        "/webhooks/%00/%ff",
        "/webhooks/github/" + "a" * 4_000,
    ):
        for signature in (None, "", "sha256=" + "0" * 64, "sha1=x", "\xe9", "a" * 5_000):
            answer = door("POST", path, b"{}", {**sent, "x-hub-signature-256": signature})
            answer.problem()
            assert answer.status in {401, 404}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-big": "a" * 9_000},
        {"x-big": "a" * 100_000},
        {f"x-{number}": "a" * 100 for number in range(300)},
        {"content-length": "-1"},
        {"content-length": "abc"},
        {"transfer-encoding": "gibberish"},
    ],
)
def test_headers(door: Door, headers: dict[str, str]) -> None:
    door("GET", "/v1/runs", None, headers).problem()


@pytest.mark.parametrize(
    "text",
    [
        b"garbage\r\n\r\n",
        b"GET /v1/runs HTTP/9.9\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /v1/ru ns HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://example.org/v1/runs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/runs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_hardly_http(door: Door, text: bytes) -> None:
    door.raw(text).problem()


def protected() -> list[Endpoint]:
    return [endpoint for endpoint in ENDPOINTS if endpoint.permission != PUBLIC]


def address(endpoint: Endpoint, names: Mapping[str, str]) -> str:
    path = endpoint.path
    for name in endpoint.parameters:
        path = path.replace(f"{{{name}}}", names.get(name, "unknown"))
    query = {"trace": "?port=greet.greeting"}
    return path + query.get(endpoint.function.__name__, "")
