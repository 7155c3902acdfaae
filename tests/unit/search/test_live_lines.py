"""How the program follows lines by WebSocket."""

import json
from typing import Any, cast

import pytest
import websocket

from cadence.cli.client.client import Client
from cadence.cli.search.live_lines import LiveLines

_HANDSHAKE = 4.0  # seconds that a handshake takes where what answers it has to be started first


class SlowToAnswer:
    """A connection whose handshake takes a while; then there is one line, and its end."""

    def __init__(self, timeout: float) -> None:
        if timeout < _HANDSHAKE:
            raise websocket.WebSocketTimeoutException("Connection timed out")
        self.timeouts: list[float] = []
        self.sent: list[dict[str, Any]] = []
        self.told = iter([json.dumps({"kind": "lines", "from": "0", "after": "1", "lines": [{"text": "tock"}]})])

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def recv(self) -> str:
        for text in self.told:
            return text
        raise websocket.WebSocketConnectionClosedException

    def close(self) -> None:
        self.timeouts.append(0)


class Known:
    token = "cad_token"


def test_a_connection_that_takes_seconds_to_be_made_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[SlowToAnswer] = []

    def connect(url: str, timeout: float, **_: Any) -> SlowToAnswer:
        made.append(SlowToAnswer(timeout))
        return made[-1]

    monkeypatch.setattr(websocket, "create_connection", connect)
    live = LiveLines(client=cast(Client, Known()), query="tock", project=None, after="0")
    assert list(live._read_socket("ws://example")) == [[{"text": "tock"}]]
    # While it waits for lines it looks every second whether it is to say that it is still there.
    assert made[0].timeouts == [1.0, 0]
    assert made[0].sent[0]["after"] == "0"
