"""HTTP with kept-alive connections, one set per thread, through the proxies that the environment names."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Union

Body = Union[bytes, bytearray, memoryview, None]
#: A connection, a prefix of the path (for a proxy), and headers that every request on it carries.
Route = tuple[http.client.HTTPConnection, str, dict[str, str]]
Held = dict[tuple[str, str], Route]
TRANSPORT_ERRORS = (OSError, http.client.HTTPException)


class HttpConnections:
    """Thread-safe: each thread has its own connections, since those of http.client cannot be shared."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._local = threading.local()
        self._proxies = urllib.request.getproxies()

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: Body = None, timeout: float | None = None
    ) -> http.client.HTTPResponse:
        """Sends one request and returns the response, whose body the caller must read to its end (or call ``discard``).

        A kept-alive connection that the server has closed is replaced once. Raises one of TRANSPORT_ERRORS.
        """
        parts = urllib.parse.urlsplit(url)
        address = (parts.scheme, parts.netloc)
        held = self._held()
        reused = address in held
        connection, target, extra = held[address] if reused else self._open(parts)
        held[address] = (connection, target, extra)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            self._set_timeout(connection, timeout or self._timeout)
            connection.request(method, target + path, body=body, headers={**extra, **headers})
            return connection.getresponse()
        except TRANSPORT_ERRORS as error:
            self.discard(url)
            if reused and isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                return self.request(method, url, headers, body, timeout)
            raise

    def discard(self, url: str) -> None:
        """Closes this thread's connection to the URL's server (its response was not read to the end, or it broke)."""
        parts = urllib.parse.urlsplit(url)
        held = self._held().pop((parts.scheme, parts.netloc), None)
        if held:
            held[0].close()

    def _held(self) -> Held:
        if not hasattr(self._local, "held"):
            self._local.held = {}
        held: Held = self._local.held
        return held

    def _open(self, parts: urllib.parse.SplitResult) -> Route:
        host, port = parts.hostname or "", parts.port
        proxy = None if urllib.request.proxy_bypass(parts.netloc) else self._proxies.get(parts.scheme)
        secure = parts.scheme == "https"
        if not proxy:
            return self._connection(secure, host, port), "", {}
        via = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}")
        headers = {}
        if via.username:
            pair = f"{urllib.parse.unquote(via.username)}:{urllib.parse.unquote(via.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        connection = self._connection(secure, via.hostname or "", via.port)
        if secure:
            connection.set_tunnel(host, port or 443, headers)
            return connection, "", {}
        return connection, f"http://{parts.netloc}", headers

    def _connection(self, secure: bool, host: str, port: int | None) -> http.client.HTTPConnection:
        if secure:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    @staticmethod
    def _set_timeout(connection: http.client.HTTPConnection, timeout: float) -> None:
        connection.timeout = timeout
        if isinstance(connection.sock, socket.socket):
            connection.sock.settimeout(timeout)
