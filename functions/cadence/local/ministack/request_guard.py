"""Refuses requests of web pages to MiniStack, and those to its administration, for which it requires no key.

A page of any site can send requests to this machine, and by a name that changes its address also read the answers.
Requests to the HTTP and WebSocket APIs pass, since the front door forwards them, and they need tokens.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ministack import app

from cadence.local.shared.addresses import is_here

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_APIS = "/_aws/execute-api/"
_ADMINISTRATION = "/_ministack/"
_READY = f"{_ADMINISTRATION}ready"


def install() -> None:
    """Puts the guard in front of MiniStack."""
    app.app = guarded(app.app)


def guarded(server: AsgiApp) -> AsgiApp:
    """Returns `server` behind the guard."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        problem = refusal(scope) if scope["type"] in ("http", "websocket") else None
        if problem is None:
            await server(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            body = json.dumps({"__type": "AccessDenied", "message": problem}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return serve


def refusal(scope: Scope) -> str | None:
    """Returns why a request is refused; None if it is not."""
    if str(scope["path"]).startswith(_APIS):
        return None
    if str(scope["path"]).startswith(_ADMINISTRATION) and scope["path"] != _READY:
        return "The local stack is administered with `cadence local` only."
    for host in _values(scope, b"host"):
        if not is_here(f"//{host}"):
            return f"The local stack answers requests to this machine only, and this one is to {host}."
    for origin in _values(scope, b"origin"):
        if not is_here(origin):
            return f"The local stack answers no web pages, and this request comes from one of {origin}."
    return None


def _values(scope: Scope, name: bytes) -> Iterable[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
