"""Follows lines live: by WebSocket, and by asking again and again while there is none. None is missed, none comes twice."""

import contextlib
import json
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import websocket

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError

_WAIT = 2.0  # seconds that one request waits for a first line
_PING_EVERY = 15.0
# Who has just connected may not be known everywhere for a second: so the first ping comes soon.
_FIRST_PING = 1.5
_PING_AGAIN = 1.0
_CONNECT = 10.0  # what answers the first of a while has to be started
_ASK_FOR = 10.0  # seconds without a WebSocket, until another is tried

Line = Mapping[str, Any]


@dataclass
class LiveLines:
    """Iterating gives lists of lines, for ever; an empty one now and then. `after` is the cursor behind the last line given."""

    client: Client
    query: str
    project: str | None
    after: str
    _pinged: float = field(default=0.0, init=False)
    _behind: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[list[Line]]:
        url = self.client.live_url()
        while True:
            # Refused or lost: the same lines can be asked for.
            with contextlib.suppress(websocket.WebSocketException, OSError):
                yield from self._by_socket(url)
            until = time.monotonic() + _ASK_FOR
            while time.monotonic() < until:
                yield self._asked(_WAIT)

    def _asked(self, wait: float) -> list[Line]:
        page = self.client.live_logs(self.query, self.after, wait, self.project)
        self.after = page["after"]
        lines: list[Line] = page["lines"]
        return lines

    def _by_socket(self, url: str) -> Generator[list[Line]]:
        connection = websocket.create_connection(url, timeout=_CONNECT, http_no_proxy=["*"])
        try:
            connection.settimeout(_PING_AGAIN)
            request = {"action": "subscribe", "q": self.query, "project": self.project, "after": self.after}
            connection.send(json.dumps({**request, "token": self.client.token}))
            self._pinged, self._behind = time.monotonic() + _FIRST_PING - _PING_EVERY, False
            while True:
                text = _received(connection)
                if text == "":
                    return
                yield self._taken(json.loads(text)) if text else []
                self._ping(connection)
        finally:
            connection.close()

    def _taken(self, message: Mapping[str, Any]) -> list[Line]:
        if message["kind"] == "problem" and "status" in message:
            raise ApiError(message["status"], message)
        if message["kind"] not in ("lines", "fetch"):
            return []
        if message["from"] != self.after:
            # One before it was lost, or this one came twice: the server is told where we are, and goes on from there.
            self._behind = True
            return []
        if message["kind"] == "fetch":
            self._behind = True
            return self._asked(0)
        self.after = message["after"]
        lines: list[Line] = message["lines"]
        return lines

    def _ping(self, connection: websocket.WebSocket) -> None:
        since = time.monotonic() - self._pinged
        if since >= _PING_EVERY or (self._behind and since >= _PING_AGAIN):
            connection.send(json.dumps({"action": "ping", "after": self.after}))
            self._pinged, self._behind = time.monotonic(), False


def _received(connection: websocket.WebSocket) -> str | None:
    """None if nothing came for a while, an empty text if the connection was closed."""
    try:
        return str(connection.recv())
    except websocket.WebSocketTimeoutException:
        return None
    except websocket.WebSocketConnectionClosedException:
        return ""
