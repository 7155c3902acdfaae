"""The session of the command line's client: what it sends, what it repeats, and what it makes of answers."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError, Unreachable
from tests.fakes.answering import Asked, Reply, answering


def called(*replies: Reply, call: Callable[[Client], Any]) -> tuple[Any, list[Asked]]:
    """What a call gives, and what was asked for it, if the API answers with these replies in turn."""
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        return replies[len(asked) - 1]

    with answering(answer) as url:
        return call(Client(url, "secret", organization="other")), asked


def test_a_request_has_the_token_the_organization_and_its_filters() -> None:
    page = Reply(body={"items": [], "next": None})
    found, (asked,) = called(page, call=lambda client: list(client.runs(5, state="failed", branch=None)))

    assert found == []
    assert (asked.method, asked.path, asked.params) == ("GET", "/v1/runs", {"limit": "5", "state": "failed"})
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["cadence-organization"] == "other"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_safe_request_is_repeated(status: int) -> None:
    busy = Reply(status, body="busy", headers={"retry-after": "0"})
    found, asked = called(busy, Reply(body={"next": None}), call=lambda client: client.run("r" * 26))

    assert found == {"next": None}
    assert len(asked) == 2


def test_a_request_that_makes_something_new_each_time_is_not_repeated() -> None:
    def create(client: Client) -> Any:
        with pytest.raises(ApiError) as refused:
            client.create_project("new")
        return refused.value

    refused, asked = called(Reply(503, body="busy"), call=create)

    assert (refused.status, refused.problem) == (503, {"title": "HTTP status 503", "detail": "busy"})
    assert [(one.method, one.body) for one in asked] == [("POST", {"name": "new"})]


def test_a_refusal_is_the_problem_document() -> None:
    problem = {"title": "Not found", "detail": "There is no run r."}

    def read(client: Client) -> Any:
        with pytest.raises(ApiError) as refused:
            client.run("r" * 26)
        return refused.value

    refused, _ = called(Reply(404, body=problem), call=read)

    assert str(refused) == "There is no run r."
    assert refused.problem == problem


def test_a_server_that_is_not_there_is_said_to_have_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    with answering(lambda _: Reply()) as url:
        client = Client(url, "secret")

    with pytest.raises(Unreachable, match=r"cannot be reached \(no connection\)"):
        client.run("r" * 26)


def test_an_answer_that_does_not_come_is_said_to_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0), backlog=32) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", "secret", timeout=0.05)
        with pytest.raises(Unreachable, match=r"cannot be reached \(no answer in time\)"):
            client.run("r" * 26)
