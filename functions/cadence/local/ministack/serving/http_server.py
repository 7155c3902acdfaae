"""Serves MiniStack by uvicorn, whose HTTP parser is in C.

MiniStack's own server, hypercorn, parses in Python and takes a third of the processor time of a small request.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypercorn.asyncio
from hypercorn.config import Config
from uvicorn import config, server
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from cadence.local.ministack.request_guard import AsgiApp, Receive, Scope, Send
from cadence.local.ministack.serving.joined_writes import JoinedWrites
from cadence.local.ministack.serving.upload_files import UploadProtocol

_BODILESS = frozenset({204, 304})


class Server(server.Server):
    """uvicorn's server, which ends at once after SIGTERM or SIGINT, and wakes up for nothing else."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Has the signals end the server only: uvicorn also repeats them at the end, for handlers of the program."""
        loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        for number in server.HANDLED_SIGNALS:
            loop.add_signal_handler(number, self._ending.set)
        yield

    async def main_loop(self) -> None:
        await self._ending.wait()


class HttpProtocol(UploadProtocol):
    """A connection whose answers take one system call, and whose WebSocket knows nothing of the requests before it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        joined: Any = JoinedWrites(transport, self.loop)
        super().connection_made(joined)

    def handle_websocket_upgrade(self) -> None:
        contextvars.Context().run(super().handle_websocket_upgrade)


class WebSocketProtocol(WSProtocol):
    """A WebSocket that drops what is sent to a client that has gone, as MiniStack expects of its server."""

    async def send(self, message: Any) -> None:
        with contextlib.suppress(ClientDisconnected):
            await super().send(message)


def install() -> None:
    """Lets MiniStack's command start this server."""
    replaced: Any = hypercorn.asyncio
    replaced.serve = serve


async def serve(app: AsgiApp, settings: Config) -> None:
    """Serves as hypercorn's function of this name does with these settings, without TLS, until a signal ends it."""
    served = config.Config(
        without_forbidden_bodies(app),
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_ping_interval=None,
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level=settings.loglevel.lower(),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # MiniStack sends its own
        timeout_keep_alive=int(settings.keep_alive_timeout),
        timeout_graceful_shutdown=int(settings.graceful_timeout),
        # Else a request inherits what MiniStack remembers of the one before it on the connection, as its account.
        reset_contextvars=True,
    )
    await Server(served).serve(settings.create_sockets().insecure_sockets)


def without_forbidden_bodies(app: AsgiApp) -> AsgiApp:
    """Returns `app` without the bodies of answers that may have none, which uvicorn would send all the same."""

    async def serve_app(scope: Scope, receive: Receive, send: Send) -> None:
        forbidden = False

        async def send_allowed(message: Any) -> None:
            nonlocal forbidden
            if message["type"] == "http.response.start" and message["status"] in _BODILESS:
                forbidden = True
                headers = [header for header in message["headers"] if header[0].lower() != b"content-length"]
                message = {**message, "headers": headers}
            elif forbidden:
                message = {**message, "body": b""}
            await send(message)

        await app(scope, receive, send_allowed)

    return serve_app
