"""Waits for the browser that another service sends back to this machine (RFC 8252)."""

import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

_DONE = b"<!doctype html><title>Cadence</title><p>You can close this page and return to the terminal.</p>"


class LoopbackRedirect(HTTPServer):
    """A server on a free port of the loopback interface, which takes one redirect within `seconds`.

    `page` is what it shows at its address `start_url`; there is none without it.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self._seconds = seconds
        self.received: Mapping[str, str] | None = None
        self.page: bytes | None = None

    @property
    def redirect_url(self) -> str:
        """Where the other service sends the browser."""
        return f"http://127.0.0.1:{self.server_port}/callback"

    @property
    def start_url(self) -> str:
        """Where the browser finds `page`."""
        return f"http://127.0.0.1:{self.server_port}/"

    def wait(self) -> Mapping[str, str]:
        """Returns the parameters of the redirect; none if it did not come in time."""
        self.timeout = self._seconds
        end = time.monotonic() + self._seconds
        while self.received is None and time.monotonic() < end:
            self.handle_request()
        return self.received or {}


class _Receiver(BaseHTTPRequestHandler):
    """Takes the one request that has the answer; browsers ask for other things, too."""

    server: LoopbackRedirect

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/" and self.server.page is not None:
            self._show(self.server.page)
        elif address.path == "/callback":
            self.server.received = {name: values[0] for name, values in parse_qs(address.query).items()}
            self._show(_DONE)
        else:
            self.send_error(404)

    def _show(self, page: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Prints nothing: the address has the code."""
