"""How the tests call a Lambda: with the events of an HTTP API (payload format 2.0)."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.permissions import within_the_role_of

HELLO = """\
cadence: 1
name: hello
parameters:
  who: {type: string, default: world}
on:
  push: {branches: [main]}
treatments:
  greet:
    run: echo "hello $CADENCE_PARAM_who" > "$CADENCE_OUT_greeting"
    outputs: {greeting: "Block<string>"}
  shout:
    inputs: {text: "Block<string>"}
    run: tr a-z A-Z < "$CADENCE_IN_text"
connections:
  - greet.greeting -> shout.text
"""
BROKEN = HELLO.replace("shout.text", "shout.txet").replace("name: hello", "nmae: hello")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Api:
    """Calls the api Lambda within its role; `token` is an administrator's of the organization `default`."""

    handler: Any
    services: Any
    token: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | str | None = None,
        token: str | None = "",
        headers: dict[str, str] | None = None,
        raw: bytes | str | None = None,
        base64_body: bool = False,
        source: str = "127.0.0.1",
    ) -> Answer:
        sent = {"host": "api.example", **(headers or {})}
        token = self.token if token == "" else token
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        text: Any = raw
        if body is not None:
            text = json.dumps(body)
            sent.setdefault("content-type", "application/json")
        if isinstance(text, bytes):
            text, base64_body = base64.b64encode(text).decode(), True
        with pytest.MonkeyPatch.context() as patch, within_the_role_of("api", patch):
            response = self.handler(event(method, path, query, sent, text, base64_body, source), None)
        out = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
        return Answer(response["statusCode"], out, response.get("body") or "")

    def token_for(self, permissions: list[str], project: str = "*") -> str:
        answer = self("POST", "/v1/tokens", {"name": "test", "permissions": permissions, "project": project})
        assert answer.status == 201, answer.text
        return str(answer.json["token"])


def event(
    method: str,
    path: str,
    query: dict[str, Any] | str | None = None,
    headers: dict[str, str] | None = None,
    body: str | None = None,
    is_base64: bool = False,
    source: str = "127.0.0.1",
) -> dict[str, Any]:
    raw_query = query if isinstance(query, str) else urlencode(query or {})
    golden: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": raw_query,
        "headers": headers or {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.eu-west-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source,
                "userAgent": "test",
            },
            "requestId": "id",
            "routeKey": "ANY /v1/{proxy+}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
        },
        "isBase64Encoded": is_base64,
    }
    if body is not None:
        golden["body"] = body
    return golden
