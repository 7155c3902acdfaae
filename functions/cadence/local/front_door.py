"""One address for everything: passes requests on to the stack's HTTP API, bodies untouched."""

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes; the limit of an API Gateway in AWS."""

_SERVED = ("/v1", "/webhooks", "/runner", "/metrics", "/0.1")
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
# The client works these out itself from the body it sends.
_SET_BY_CLIENT = _HOP_BY_HOP | {"content-length", "expect"}


class FrontDoor:
    """The reverse proxy; `api` is the address of the stack's HTTP API, without a slash at its end."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._session: aiohttp.ClientSession | None = None

    async def start(self, host: str, port: int) -> web.AppRunner:
        """Listen; the answer's `cleanup()` stops it."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.cleanup_ctx.append(self._client)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
        except OSError:
            await runner.cleanup()
            raise
        return runner

    async def _client(self, _: web.Application):  # type: ignore[no-untyped-def]
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        yield
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if not _is_served(request.path):
            served = ", ".join(_SERVED)
            return problem(
                404, "not_found", f"Nothing is served at {request.path}; what is served begins with {served}."
            )
        body = await _read(request)
        if body is None:
            return problem(413, "too_large", f"The body is larger than {BODY_LIMIT} bytes.")
        try:
            return await self._pass_on(request, body)
        except (TimeoutError, aiohttp.ClientConnectionError):
            return problem(503, "unavailable", "The local stack does not answer; see `cadence local status`.")

    async def _pass_on(self, request: web.Request, body: bytes) -> web.StreamResponse:
        assert self._session is not None
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in _SET_BY_CLIENT
        )
        async with self._session.request(
            request.method,
            URL(self._api + request.raw_path, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as answer:
            kept = CIMultiDict(
                (name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP
            )
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def problem(status: int, code: str, detail: str) -> web.Response:
    """An error as RFC 9457 wants it, in the same shape as the API's own."""
    return web.json_response(
        {
            "type": "about:blank",
            "title": code.replace("_", " ").capitalize(),
            "status": status,
            "code": code,
            "detail": detail,
        },
        status=status,
        content_type="application/problem+json",
    )


def _is_served(path: str) -> bool:
    """Whether the decoded path is below one that is served, and stays there."""
    if not {".", ".."}.isdisjoint(path.split("/")):
        return False
    return any(path == prefix or path.startswith(prefix + "/") for prefix in _SERVED)


async def _read(request: web.Request) -> bytes | None:
    """The body as it came, or None if it is larger than the limit (the rest is then left unread)."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    parts = bytearray()
    async for chunk in request.content.iter_any():
        parts += chunk
        if len(parts) > BODY_LIMIT:
            return None
    return bytes(parts)
