"""The reverse proxy of the local stack: one address for its HTTP API and its WebSocket API; bodies are not changed."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from cadence.local.connections import BODY_SECONDS, HEAD_SECONDS, PROBLEM, TimedConnection, problem, refusal

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes; the limit of an API Gateway in AWS."""
_LINGERING_SECONDS = 10.0
"""How long the rest of a refused body is read at most, so that its sender sees the answer."""

_LIVE = "/v1/live/socket"
_PAGE = "/ui"
_SERVED = ("/v1", "/scim", "/.well-known", "/webhooks", "/runner", "/metrics", "/0.1", _PAGE)
# How the Lambdas describe errors. All else comes from what stands in front of them, which writes no such documents.
_ERRORS = frozenset({PROBLEM, "application/scim+json"})
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# The HTTP client derives these from the body that it sends.
_SET_BY_CLIENT = _HOP_BY_HOP | {"content-length", "expect"}


class FrontDoor:
    """The proxy in front of `api`, the address of the HTTP API, and `live`, that of the WebSocket API; without a final
    slash.
    """

    def __init__(
        self, api: str, live: str, *, head_seconds: float = HEAD_SECONDS, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._api = api
        self._live = live
        self._head_seconds = head_seconds
        self._body_seconds = body_seconds
        self._cleanup = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def start(self, host: str, port: int) -> Self:
        """Listens on the port; `cleanup()` stops it."""
        async with AsyncExitStack() as started:
            self._session = await started.enter_async_context(_client())
            # A body that did not arrive in time is not waited for much longer.
            lingering = min(_LINGERING_SECONDS, self._body_seconds)
            server = _Server(self._handle, access_log=None, auto_decompress=False, lingering_time=lingering)
            server.head_seconds = self._head_seconds
            runner = web.ServerRunner(server, shutdown_timeout=1)
            started.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, host, port, backlog=1024).start()
            self._cleanup = started.pop_all()
        return self

    async def cleanup(self) -> None:
        await self._cleanup.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, TimedConnection)
        connection.begin_answer()
        try:
            return refusal(request) or await self._answer(request)
        finally:
            connection.end_answer()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):
            return problem(
                400, "malformed", "The request target is not a path: this server does not proxy other addresses."
            )
        if not _is_served(request.path):
            served = ", ".join(_SERVED)
            return problem(404, "not_found", f"Nothing is served at {request.path}; served paths begin with {served}.")
        if request.path == f"{_PAGE}/":
            return web.Response(status=308, headers={"location": _PAGE})
        if request.path == _LIVE and request.headers.get("upgrade", "").lower() == "websocket":
            return await self._forward_websocket(request)
        if request.headers.get("expect", "").lower() == "100-continue":
            await _send_continue(request)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(request)
        except TimeoutError:
            late = problem(408, "timed_out", f"The body did not arrive within {self._body_seconds:g} seconds.")
            late.force_close()
            return late
        if body is None:
            return problem(413, "too_large", f"The body is larger than {BODY_LIMIT} bytes.")
        try:
            return await self._forward(request, body)
        except (TimeoutError, aiohttp.ClientConnectionError):
            return problem(503, "unavailable", "The local stack does not answer. See `cadence local status`.")

    async def _forward_websocket(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._session is not None
        try:
            server = await self._session.ws_connect(self._live, max_msg_size=BODY_LIMIT)
        except aiohttp.ClientError:
            return problem(503, "unavailable", "The local stack does not answer. See `cadence local status`.")
        async with server:
            client = web.WebSocketResponse(max_msg_size=BODY_LIMIT)
            await client.prepare(request)
            directions = [
                asyncio.ensure_future(_forward_text(client, server)),
                asyncio.ensure_future(_forward_text(server, client)),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await client.close()
            return client

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        assert self._session is not None
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in _SET_BY_CLIENT
        )
        headers["X-Forwarded-Proto"] = "http"
        async with self._session.request(
            request.method,
            URL(self._api + request.raw_path, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as answer:
            if answer.status >= 400 and answer.content_type not in _ERRORS and not _is_page(request.path):
                return problem(
                    answer.status, "refused", f"MiniStack refused: {(await answer.text('utf-8', 'replace'))[:500]}"
                )
            kept = CIMultiDict(
                (name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP
            )
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


class _Server(web.Server):
    """A server without routes: one handler answers every request."""

    head_seconds = HEAD_SECONDS

    def __call__(self) -> web.RequestHandler:
        connection = TimedConnection(self, loop=self._loop, **self._kwargs)
        connection.head_seconds = self.head_seconds
        return connection


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _forward_text(source: Socket, target: Socket) -> None:
    """Forwards text messages until one side closes."""
    async for message in source:
        if message.type is not aiohttp.WSMsgType.TEXT or target.closed:
            return
        await target.send_str(message.data)


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _send_continue(request: web.BaseRequest) -> None:
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the response itself has not begun


def _is_served(path: str) -> bool:
    """Whether the decoded path is below one that is served, and stays there."""
    if not {".", ".."}.isdisjoint(path.split("/")):
        return False
    return path == "/" or any(path == prefix or path.startswith(prefix + "/") for prefix in _SERVED)


def _is_page(path: str) -> bool:
    """Whether the path is the dashboard's, whose errors are pages."""
    return path == "/" or path == _PAGE or path.startswith(f"{_PAGE}/")


async def _read(request: web.BaseRequest) -> bytes | None:
    """The body, or None if it is larger than the limit; the rest is not read then."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    parts = bytearray()
    async for chunk in request.content.iter_any():
        parts += chunk
        if len(parts) > BODY_LIMIT:
            return None
    return bytes(parts)
