"""What the search service's adapter makes of troubles, and where it connects to."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy.exceptions import AuthenticationException, TransportError

from cadence.adapters.aws import clients
from cadence.adapters.opensearch import connection
from cadence.adapters.opensearch.conditions import translated
from cadence.adapters.opensearch.connection import OpenSearchConnection, connected
from cadence.adapters.opensearch.indices import Indices
from cadence.adapters.opensearch.store import OpenSearchLines
from cadence.application.search.line_store_ports import Extent
from cadence.application.search.split_ports import SplitBounds
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import EVERY_LINE, Field, FieldName, Not, Pattern, Phrase
from cadence.domain.shared.errors import Transient

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXTENT = Extent("acme", {"shop": NOW}, [])


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def test_a_service_that_is_not_reached_is_worth_another_try(closed_port: int) -> None:
    store = OpenSearchLines(
        OpenSearchConnection(lambda: connected(f"http://127.0.0.1:{closed_port}")), "lines", lambda: NOW
    )
    with pytest.raises(Transient):
        store.search(EXTENT, EVERY_LINE, Matcher(EVERY_LINE), 10, SplitBounds(), lambda: False)
    with pytest.raises(Transient):
        store.remove("acme", "shop", NOW)


class _Asked:
    """A service that answers as it is told, and notes what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def search(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return self.answer


def test_a_search_that_the_service_gave_up_is_no_answer() -> None:
    client: Any = _Asked({"timed_out": True, "hits": {"hits": []}})
    with pytest.raises(Transient, match="too long"):
        OpenSearchLines(OpenSearchConnection(lambda: client), "lines", lambda: NOW).search(
            EXTENT, EVERY_LINE, Matcher(EVERY_LINE), 10, SplitBounds(), lambda: False
        )
    (asked,) = client.asked
    assert asked["index"] == "lines.acme.*"
    assert asked["params"]["allow_partial_search_results"] == "false"
    assert asked["body"]["timeout"]


def test_an_index_is_named_by_the_organization_and_the_month_of_the_run() -> None:
    indices = Indices("cadence-main-lines")
    name = indices.of_run("acme", "01jzzzzzzz0000000000000000")
    assert name == "cadence-main-lines.acme.2025-07"
    assert indices.month_of(name) == "2025-07"


@pytest.mark.parametrize(
    ("condition", "exact"),
    [
        (Field(FieldName.STATE, ("failed",)), False),
        (Pattern("a"), False),
        (Not(Pattern("a")), False),
        (Phrase(("a", "b")), True),
        (Phrase(("a", "b"), open_ended=True), False),
        (Field(FieldName.ORGANIZATION, ("acme",)), True),
    ],
)
def test_what_the_service_cannot_decide_is_looked_at_line_by_line(condition: Any, exact: bool) -> None:
    assert translated(condition, "acme").exact is exact


def test_who_is_not_known_connects_anew_the_next_time() -> None:
    connections: list[Any] = []

    def connect() -> Any:
        connections.append(_Asked({"timed_out": False, "hits": {"hits": []}}))
        return connections[-1]

    service = OpenSearchConnection(connect)
    assert connections == []
    for error in (TransportError(503, "busy"), AuthenticationException(401, "who?"), None):
        with suppress(Transient), service.asked():
            if error is not None:
                raise error
    assert len(connections) == 2


def test_user_and_password_come_from_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    class Secrets:
        def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 - AWS names it so
            assert SecretId == "arn:of:secret"
            return {"SecretString": '{"username": "cadence", "password": "p:w"}'}

    monkeypatch.setattr(connection, "client", lambda service: {"secretsmanager": Secrets()}[service])
    client = connected("https://search.example", secret_arn="arn:of:secret")
    headers = client.transport.get_connection().headers
    assert headers["authorization"] == "Basic Y2FkZW5jZTpwOnc="


def test_requests_to_a_domain_of_aws_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    clients._session.cache_clear()
    client = connected("https://search.example", region="eu-west-3")
    signed = client.transport.get_connection().http_auth("GET", "https://search.example/lines.acme.%2A/_search", b"{}")
    assert signed["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-west-3/es/aws4_request" in signed["Authorization"]
    clients._session.cache_clear()
