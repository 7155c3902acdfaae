"""MiniStack's server writes the head of an answer and its body at once, and what it writes stays the same."""

import asyncio
from typing import Any

import h11
import pytest
from hypercorn.events import RawData
from hypercorn.protocol.h11 import H11Protocol

from cadence.local.ministack import whole_answers

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
END = h11.EndOfMessage()


class Connection:
    """As much of a connection of the server as sends an answer; `written` are its writes."""

    def __init__(self) -> None:
        self.connection = h11.Connection(h11.SERVER)
        self.connection.receive_data(REQUEST)
        self.connection.next_event()
        self.written: list[bytes] = []

    async def send(self, event: RawData) -> None:
        self.written.append(event.data)


def _head(*headers: tuple[str, str]) -> h11.Response:
    return h11.Response(status_code=200, headers=list(headers))


def _written(send: Any, *events: Any) -> list[bytes]:
    connection = Connection()

    async def answer() -> None:
        for event in events:
            await send(connection, event)

    asyncio.run(answer())
    return connection.written


@pytest.fixture
def server_sends() -> Any:
    """The server's own method."""
    return H11Protocol._send_h11_event


LONG = bytes(whole_answers.MOST_BYTES + 1)
ANSWERS = {
    "whole": ((_head(("content-length", "2")), h11.Data(data=b"{}"), END), 1),
    "without-a-body": ((_head(("content-length", "0")), END), 1),
    "long": ((_head(("content-length", str(len(LONG)))), h11.Data(data=LONG), END), 2),
    "in-pieces": ((_head(("content-length", "4")), h11.Data(data=b"{}"), h11.Data(data=b"{}"), END), 2),
    "of-unknown-length": ((_head(), h11.Data(data=b"{}"), END), 3),
}


@pytest.mark.parametrize(("events", "writes"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_written_at_once(server_sends: Any, events: tuple[Any, ...], writes: int) -> None:
    written = _written(whole_answers.send_event, *events)

    assert len(written) == writes
    assert b"".join(written) == b"".join(_written(server_sends, *events))


def test_the_head_of_an_answer_of_unknown_length_is_written_before_its_body() -> None:
    assert len(_written(whole_answers.send_event, _head())) == 1


def test_the_servers_connections_send_in_this_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(H11Protocol, "_send_h11_event", H11Protocol._send_h11_event)
    whole_answers.install()
    assert H11Protocol._send_h11_event is whole_answers.send_event


def test_what_may_not_be_sent_raises_as_before(server_sends: Any) -> None:
    for send in (server_sends, whole_answers.send_event):
        with pytest.raises(h11.LocalProtocolError):
            _written(send, h11.Data(data=b"too early"))
