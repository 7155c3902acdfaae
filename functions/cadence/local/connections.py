"""Connections of the front door: what they may take, and which web pages may use them."""

import asyncio
from typing import Final

from aiohttp import web

from cadence.local.shared.addresses import is_here

PROBLEM: Final = "application/problem+json"

HEAD_SECONDS: Final = 30.0
"""The longest time from the first byte of a request, or from the connection, to the end of the request's head."""

BODY_SECONDS: Final = 120.0
"""The longest time for a request's body."""

# Machines call these, with tokens or signatures, and may know this machine by another name (a tunnel, for example).
# Tunnels of engines go through the socket; browsers, which also use it, name the page's origin, which is checked.
_FOR_MACHINES: Final = (
    "/webhooks/",
    "/runner/",
    "/0.1/",
    "/v1/live/socket",
    "/scim/",
    "/.well-known/",
    "/v1/id-token-keys",
)


def problem(status: int, code: str, detail: str) -> web.Response:
    """An error as RFC 9457 defines it, in the shape of the API's errors."""
    return web.json_response(
        {
            "type": f"urn:cadence:problem:{code}",
            "title": code.replace("_", " ").capitalize(),
            "status": status,
            "code": code,
            "detail": detail,
        },
        status=status,
        content_type=PROBLEM,
    )


def refusal(request: web.BaseRequest) -> web.Response | None:
    """Returns the answer to a request of a foreign web page, or to a foreign name of this machine; None to others.

    A page of any site can send requests to this machine, and by a name that changes its address also read the answers.
    """
    for origin in request.headers.getall("Origin", ()):
        if not is_here(origin):
            detail = f"The local stack serves its own pages only, and this request comes from one of {origin[:200]}."
            return problem(403, "forbidden", detail)
    if request.path.startswith(_FOR_MACHINES):
        return None
    for host in request.headers.getall("Host", ()):
        if not is_here(f"//{host}"):
            detail = (
                f"The local stack answers requests to 127.0.0.1 or localhost, and this one is to {host[:200]}. Under "
                "other names it answers webhooks, hosts, engines and identity providers only."
            )
            return problem(403, "forbidden", detail)
    return None


class TimedConnection(web.RequestHandler):
    """A connection of a client. It is closed if a request's head does not arrive in time.

    Requests that are not valid HTTP get a problem document as well.
    """

    head_seconds = HEAD_SECONDS
    _head_limit: asyncio.TimerHandle | None = None
    _serving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._head_limit is None and not self._serving:
            self._await_head()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end_wait()
        super().connection_lost(exc)

    def begin_answer(self) -> None:
        """Ends the time limit of a head, which has arrived."""
        self._end_wait()
        self._serving = True

    def end_answer(self) -> None:
        """Lets the next byte begin another request."""
        self._serving = False

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        answer = problem(status, "malformed", f"The request is not valid HTTP. {message or ''}".strip())
        answer.force_close()
        return answer

    def _await_head(self) -> None:
        self._head_limit = asyncio.get_running_loop().call_later(self.head_seconds, self.force_close)

    def _end_wait(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None
