"""Follows log lines live: over a WebSocket, and by polling while there is none. No line is missed or repeated."""

import contextlib
import json
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import websocket

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError

_POLL_WAIT = 2.0  # seconds that one request waits for a first line
_PING_SECONDS = 15.0
# A new connection may not be known to every writer for a second: so the first ping is sent soon.
_FIRST_PING_SECONDS = 1.5
_CATCH_UP_SECONDS = 1.0  # between pings while lines are missing
_CONNECT_SECONDS = 10.0  # the first connection after a pause waits until a Lambda has started
_POLL_SECONDS = 10.0  # of polling before another WebSocket is tried

Line = Mapping[str, Any]


@dataclass(kw_only=True)
class LiveLines:
    """The lines of a query as they are written: iterating yields lists of lines without end, empty ones included.

    `after` is the cursor behind the last line that was yielded.
    """

    client: Client
    query: str
    project: str | None
    after: str
    _last_ping: float = field(default=0.0, init=False)
    _behind: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[list[Line]]:
        url = self.client.live_url()
        while True:
            # Refused or lost: polling yields the same lines.
            with contextlib.suppress(websocket.WebSocketException, OSError):
                yield from self._read_socket(url)
            deadline = time.monotonic() + _POLL_SECONDS
            while time.monotonic() < deadline:
                yield self._poll(_POLL_WAIT)

    def _poll(self, wait: float) -> list[Line]:
        page = self.client.live_logs(self.query, self.after, wait, self.project)
        self.after = page["after"]
        lines: list[Line] = page["lines"]
        return lines

    def _read_socket(self, url: str) -> Generator[list[Line]]:
        connection = websocket.create_connection(url, timeout=_CONNECT_SECONDS, http_no_proxy=["*"])
        try:
            connection.settimeout(_CATCH_UP_SECONDS)
            request = {"action": "subscribe", "q": self.query, "project": self.project, "after": self.after}
            connection.send(json.dumps({**request, "token": self.client.token}))
            self._last_ping, self._behind = time.monotonic() + _FIRST_PING_SECONDS - _PING_SECONDS, False
            while True:
                text = _receive(connection)
                if text == "":
                    return
                yield self._accept(json.loads(text)) if text else []
                self._ping(connection)
        finally:
            connection.close()

    def _accept(self, message: Mapping[str, Any]) -> list[Line]:
        """The lines of a message that follow the last one. Raises ApiError if the message is a problem."""
        if message["kind"] == "problem" and "status" in message:
            raise ApiError(message["status"], message)
        if message["kind"] not in ("lines", "fetch"):
            return []
        if message["from"] != self.after:
            # A message before it was lost, or this one is a repetition: the next ping states our position to the
            # server.
            self._behind = True
            return []
        if message["kind"] == "fetch":
            self._behind = True
            return self._poll(0)
        self.after = message["after"]
        lines: list[Line] = message["lines"]
        return lines

    def _ping(self, connection: websocket.WebSocket) -> None:
        since = time.monotonic() - self._last_ping
        if since >= _PING_SECONDS or (self._behind and since >= _CATCH_UP_SECONDS):
            connection.send(json.dumps({"action": "ping", "after": self.after}))
            self._last_ping, self._behind = time.monotonic(), False


def _receive(connection: websocket.WebSocket) -> str | None:
    """The next message; None if none came before the timeout, an empty text if the connection is closed."""
    try:
        return str(connection.recv())
    except websocket.WebSocketTimeoutException:
        return None
    except websocket.WebSocketConnectionClosedException:
        return ""
