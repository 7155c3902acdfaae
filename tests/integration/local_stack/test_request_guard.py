"""MiniStack answers programs of this machine, and no web page."""

import asyncio
from typing import Any

import pytest
from ministack import app

from cadence.local.ministack import request_guard


def scope(path: str = "/", **headers: str) -> dict[str, Any]:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "headers": encoded}


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost", "[::1]:4566", "id.execute-api.localhost:4566"])
@pytest.mark.parametrize("origin", [None, "http://localhost:8400", "http://127.0.0.1:1"])
def test_programs_of_this_machine_are_served(host: str, origin: str | None) -> None:
    assert request_guard.refusal(scope(host=host, **({"origin": origin} if origin else {}))) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:4566", "origin": "https://evil.example"},
        {"host": "127.0.0.1:4566", "origin": "null"},
        {"host": "127.0.0.1:4566", "origin": "http://127.0.0.1.evil.example"},
        {"host": "evil.example:4566"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1@evil.example"},
        {"host": "[::1"},
        {"Host": "evil.example"},
    ],
    ids=str,
)
def test_web_pages_and_other_names_are_refused(headers: dict[str, str]) -> None:
    refused = request_guard.refusal(scope(**headers))
    assert refused
    assert refused.startswith("The local stack answers")


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_ministack/lambda-code/echo"])
def test_the_administration_which_needs_no_key_is_closed(path: str) -> None:
    assert request_guard.refusal(scope(path, host="127.0.0.1:4566"))
    assert request_guard.refusal(scope("/_ministack/ready", host="127.0.0.1:4566")) is None


def test_the_apis_are_reached_through_the_front_door_by_any_name() -> None:
    passed = scope("/_aws/execute-api/abc/$default/v1/health", host="tunnel.example", origin="https://tunnel.example")
    assert request_guard.refusal(passed) is None


def test_a_refused_request_gets_an_answer_and_reaches_nothing() -> None:
    sent: list[Any] = []

    async def server(*_: Any) -> None:
        raise AssertionError("it was served")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("its body was read")

    guarded = request_guard.guarded(server)

    async def ask(kind: str) -> None:
        await guarded({**scope(host="evil.example"), "type": kind}, receive, send)

    asyncio.run(ask("http"))
    assert sent[0]["status"] == 403
    assert b"evil.example" in sent[1]["body"]
    asyncio.run(ask("websocket"))
    assert sent[2] == {"type": "websocket.close", "code": 1008}


def test_ministack_serves_the_application_that_the_guard_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a new MiniStack starts another object: then the guard is put elsewhere."""
    monkeypatch.setattr(app, "app", app.app)
    before = app.app
    request_guard.install()
    assert app.app is not before
    assert "app" in app.main.__code__.co_names
