"""Messages of the WebSocket API are JSON objects; what is wrong with one is posted to its connection."""

import json

import pytest

from cadence.adapters.http.socket_event import SocketEvent, json_message, post_problem, socket_event, text_field
from cadence.application.shared.ports import Sockets
from cadence.domain.shared.errors import Gone, InvalidRequest, NotFound


class RecordingSockets(Sockets):
    def __init__(self, *, gone: bool = False) -> None:
        self.gone = gone
        self.posted: list[tuple[str, str]] = []

    def post(self, connection_id: str, message: str) -> None:
        if self.gone:
            raise Gone("The connection has gone.")
        self.posted.append((connection_id, message))


def test_an_event_has_a_connection_a_kind_and_a_body() -> None:
    event = {"requestContext": {"connectionId": "c", "eventType": "MESSAGE"}, "body": "{}"}
    assert socket_event(event) == SocketEvent("c", "MESSAGE", "{}")
    assert socket_event({"requestContext": {"connectionId": "c", "eventType": "DISCONNECT"}}).body == ""


@pytest.mark.parametrize("body", ["", "[]", "1", '"text"', "{"])
def test_what_is_not_a_json_object_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^Send JSON objects\.$"):
        json_message(body)
    with pytest.raises(InvalidRequest, match=r'^Send JSON objects: {"action": "ping"}\.$'):
        json_message(body, '{"action": "ping"}')


def test_fields_are_texts() -> None:
    message = json_message('{"q": "level:error", "after": null, "run": 7}')
    assert text_field(message, "q") == "level:error"
    assert text_field(message, "after", "") == text_field(message, "project", "") == ""
    for name in ("run", "after", "side"):
        with pytest.raises(InvalidRequest) as raised:
            text_field(message, name)
        assert raised.value.violations[0].pointer == f"/{name}"


def test_an_error_is_posted_as_a_problem_document() -> None:
    sockets = RecordingSockets()
    assert post_problem(sockets, "c", NotFound("No such run."), run="01a")
    ((connection_id, message),) = sockets.posted
    document = json.loads(message)
    assert document["run"] == "01a"
    assert connection_id == "c"
    assert (document["kind"], document["status"], document["detail"]) == ("problem", 404, "No such run.")
    assert not post_problem(RecordingSockets(gone=True), "c", NotFound("No such run."))
