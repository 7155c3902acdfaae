"""One call, one answer: what each answer means, over a real server on the loopback."""

import base64
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.guarded_session import guarded_session
from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.shared.errors import (
    CadenceError,
    CapacityExhausted,
    Conflict,
    NotFound,
    ProviderRejected,
    Transient,
)
from cadence.providers.hidden import Hidden
from cadence.providers.rest import Refusal, Rest, RestResponse, following_link, mentions
from tests.fakes.answering import Answering, Asked, Reply, answering

TOKEN = "planted-credential/0123456789+abc"


class Plain:
    name = "Cloud"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        return Refusal(answer.status, str(body.get("code", "")), str(body.get("message", "")))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        if mentions(refusal, ("out of stock", "quota")):
            return CapacityExhausted
        return None


@contextmanager
def rest(answer: Answering, seconds: float = 5.0) -> Iterator[Rest]:
    with answering(answer) as url:
        yield Rest(
            f"{url}/v1",
            Plain(),
            lambda: {"Authorization": f"Bearer {TOKEN}"},
            hidden=Hidden([TOKEN]),
            seconds=seconds,
        )


def always(reply: Reply) -> Answering:
    return lambda _: reply


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"message": "bad image"}, ProviderRejected),
        (401, {"message": "who are you"}, ProviderRejected),
        (403, {"message": "not allowed"}, ProviderRejected),
        (403, {"code": "quota_exceeded", "message": "too many"}, CapacityExhausted),
        (404, {"message": "no such server"}, NotFound),
        (409, {"message": "exists"}, Conflict),
        (412, {"message": "GP1-XS is out of stock"}, CapacityExhausted),
        (422, "not even JSON", ProviderRejected),
        (429, {}, Transient),
        (500, "<html>", Transient),
        (503, {"message": "out of stock"}, CapacityExhausted),
        (504, None, Transient),
    ],
)
def test_an_answer_is_a_decision(status: int, body: object, error: type[CadenceError]) -> None:
    with rest(always(Reply(status, body))) as cloud, pytest.raises(CadenceError) as raised:
        cloud.get("servers/1")
    assert type(raised.value) is error
    assert raised.value.details["status"] == status
    assert f"{status} for GET /v1/servers/1" in raised.value.message
    if isinstance(body, dict) and "message" in body:
        assert body["message"] in raised.value.message


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("999999", 3_600.0), ("soon", 1.0), ("", 1.0)])
def test_it_says_when_to_call_again(value: str, seconds: float) -> None:
    with rest(always(Reply(429, {}, {"retry-after": value}))) as cloud, pytest.raises(Transient) as raised:
        cloud.get("servers")
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(("after", "least", "most"), [(timedelta(hours=2), 3_600, 3_600), (-timedelta(1), 0, 1)])
def test_a_date_says_so_too(after: timedelta, least: float, most: float) -> None:
    date = format_datetime(datetime.now(UTC) + after, usegmt=True)
    with rest(always(Reply(503, {}, {"retry-after": date}))) as cloud, pytest.raises(Transient) as raised:
        cloud.get("servers")
    assert least <= raised.value.retry_after <= most


def test_no_answer_in_time_is_transient() -> None:
    held = threading.Event()

    def hold(_: Asked) -> Reply:
        held.wait(10)
        return Reply()

    with rest(hold, seconds=0.2) as cloud:
        with pytest.raises(Transient, match=r"127\.0\.0\.1 did not answer within 0\.2 seconds"):
            cloud.get("servers")
        held.set()


def test_no_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = Rest(f"http://127.0.0.1:{port}", Plain(), dict, hidden=Hidden())
    with pytest.raises(Transient, match="no connection"):
        nobody.get("servers")


def test_an_answer_that_never_ends_is_not_read_to_its_end() -> None:
    endless = "x" * (17 * 1024 * 1024)
    with rest(always(Reply(200, endless))) as cloud, pytest.raises(Transient, match="too large"):
        cloud.get("servers")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
@pytest.mark.parametrize(
    "said",
    [
        f"token {TOKEN} is not known",
        f"bad value {quote(TOKEN, safe='')}",
        f"refused: {base64.b64encode(TOKEN.encode()).decode()}",
        f"refused what begins with {TOKEN[:24]}",
    ],
)
def test_no_credential_is_in_an_error(status: int, said: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with rest(always(Reply(status, {"code": TOKEN, "message": said}))) as cloud, pytest.raises(CadenceError) as raised:
        cloud.get(f"servers/{TOKEN}")
    told = f"{raised.value!r} {raised.value.message} {raised.value.details}"
    for form in (TOKEN, TOKEN[:24], quote(TOKEN, safe=""), base64.b64encode(TOKEN.encode()).decode()):
        assert form not in told
    assert "***" in told
    assert raised.value.__cause__ is None


@given(st.text(min_size=6), st.text(), st.text())
def test_what_is_hidden_is_cut_wherever_it_stands(value: str, before: str, after: str) -> None:
    cut = Hidden([value]).cut(f"{before}{value}{after}")
    assert value not in cut or value in "***"


def test_ordinary_words_stay() -> None:
    said = "Instance type GP1-XS of project 0b5f8e0e-41de-4c0a-9f8b-0e2a3a1c1f7c is out of stock in fr-par-1."
    assert Hidden(["abc", TOKEN]).cut(said) == said


def test_credentials_follow_no_redirect() -> None:
    asked: list[Asked] = []

    def elsewhere(request: Asked) -> Reply:
        asked.append(request)
        return Reply(302, None, {"location": "/v1/elsewhere"})

    with rest(elsewhere) as cloud:
        assert cloud.call("GET", "servers").status == 302
    assert [request.path for request in asked] == ["/v1/servers"]


def test_what_it_points_to_is_read_without_credentials() -> None:
    asked: list[Asked] = []

    def serial(request: Asked) -> Reply:
        asked.append(request)
        return Reply(200, "kernel panic")

    with rest(serial) as cloud, answering(serial) as signed:
        assert cloud.call_elsewhere(f"{signed}/log?sig=1").body == "kernel panic"
    assert "authorization" not in asked[0].headers


def test_a_page_elsewhere_is_not_asked_with_credentials() -> None:
    reply = Reply(200, [1], {"link": '<http://198.51.100.1/v1/servers?page=2>; rel="next"'})
    with rest(always(reply)) as cloud, pytest.raises(ProviderRejected, match="another host"):
        list(cloud.pages("servers", following=following_link))


def test_pages_by_links() -> None:
    def page(request: Asked) -> Reply:
        number = int(request.params.get("page", "1"))
        link = f'<http://{request.headers["host"]}{request.path}?page={number + 1}>; rel="next"'
        return Reply(200, [number], {"link": link} if number < 3 else {})

    with rest(page) as cloud:
        assert list(cloud.pages("servers", following=following_link)) == [[1], [2], [3]]


def test_pages_by_parameters_keep_the_others() -> None:
    asked: list[Asked] = []

    def page(request: Asked) -> Reply:
        asked.append(request)
        return Reply(200, {"items": [1], "next": None if "after" in request.params else "b"})

    def following(answer: RestResponse, _: int) -> dict[str, str] | None:
        return {"after": answer.body["next"]} if answer.body["next"] else None

    with rest(page) as cloud:
        assert len(list(cloud.pages("servers", params={"tags": "a", "none": None}, following=following))) == 2
    assert [request.params for request in asked] == [{"tags": "a"}, {"tags": "a", "after": "b"}]


def test_pages_without_end_are_no_inventory() -> None:
    with rest(always(Reply(200, []))) as cloud, pytest.raises(Transient, match="more than 5 pages"):
        list(cloud.pages("servers", following=lambda *_: {"page": 1}, most=5))


def test_a_body_is_sent_as_json() -> None:
    asked: list[Asked] = []

    def created(request: Asked) -> Reply:
        asked.append(request)
        return Reply(201, {"id": 1})

    with rest(created) as cloud:
        assert cloud.post("servers", {"name": "é"}, zone="a") == {"id": 1}
    assert asked[0].body == {"name": "é"} and asked[0].params == {"zone": "a"}
    assert asked[0].headers["authorization"] == f"Bearer {TOKEN}"


class Turns:
    """Remembers who waited for a turn, and who was told to slow down."""

    def __init__(self) -> None:
        self.waited: list[str] = []
        self.refusals: list[float | None] = []

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        self.waited.append(api.bucket)

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        self.refusals.append(retry_after)


def test_what_reads_waits_for_its_turn_and_a_429_slows_everybody() -> None:
    turns, api = Turns(), LimitedApi("account", "place", "servers", RateLimit(1, 5))
    replies = iter([Reply(200, {}), Reply(201, {}), Reply(429, {}, {"retry-after": "9"}), Reply(503, {})])
    with answering(lambda _: next(replies)) as url:
        cloud = Rest(url, Plain(), dict, hidden=Hidden(), turns=(turns, api))
        cloud.get("servers")
        cloud.post("servers", {})
        for _ in range(2):
            with pytest.raises(Transient):
                cloud.post("servers", {})
    assert turns.waited == ["account#place#servers"] and turns.refusals == [9]


def test_a_host_out_of_reach_never_works() -> None:
    with answering(always(Reply(200, {}))) as url:
        cloud = Rest(url, Plain(), dict, hidden=Hidden(), session=guarded_session(EgressPolicy()))
        with pytest.raises(ProviderRejected, match="not a public address"):
            cloud.get("servers")
