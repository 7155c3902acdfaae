"""Waits for notifications of work."""

from __future__ import annotations

import re
import threading
import time

from ..gateway.connections import TRANSPORT_ERRORS, HttpConnections

#: Seconds to wait after a failed request.
PAUSE_AFTER_FAILURE = 2.0

#: In whatever format the queue's answer has its messages. Any other message says "work".
_RUNNER = re.compile(rb"\brunner:([0-9a-z-]{1,64})")
_OTHER = re.compile(rb"\bwork\b")


class WorkNotifications:
    """Waits on a notification URL in one thread and sets ``wake``; a new URL is used from the next wait on."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._connections = HttpConnections(30.0)
        self._requested = threading.Semaphore(0)
        self._url, self._wait_seconds = "", 0.0
        self._busy = False
        self._named: list[str] = []
        threading.Thread(target=self._listen, name="work-notifications", daemon=True).start()

    def listen(self, url: str, wait_seconds: float) -> None:
        """Waits once, unless a wait is in progress."""
        self._url, self._wait_seconds = url, wait_seconds
        self.listen_again()

    def listen_again(self) -> None:
        """Waits once more on the last URL, unless a wait is in progress."""
        if not self._busy:
            self._busy = True
            self._requested.release()

    def take(self) -> list[str]:
        """Returns the offered runners that the last wait was notified of, once; none if it ended for other reasons."""
        named, self._named = self._named, []
        return named

    def _listen(self) -> None:
        while True:
            self._requested.acquire()
            url = self._url
            content = b""
            try:
                response = self._connections.request(
                    "GET", url, {"Accept": "application/json"}, timeout=self._wait_seconds + 10
                )
                content = response.read()
                is_notified = response.status == 200
            except TRANSPORT_ERRORS:
                self._connections.discard(url)
                is_notified = False
            if not is_notified:
                time.sleep(PAUSE_AFTER_FAILURE)
            elif not _OTHER.search(content):
                self._named = [name.decode() for name in _RUNNER.findall(content)]
            self._busy = False
            self._wake.set()
