"""MiniStack's server hands requests on and answers them as MiniStack was written for, and ends in order."""

import asyncio
import contextvars
import http.client
import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import websocket
from hypercorn.config import Config

from cadence.local.ministack.request_guard import AsgiApp, Receive, Scope, Send
from cadence.local.ministack.serving.http_server import serve
from cadence.local.ministack.serving.joined_writes import LONGEST_JOINED, JoinedWrites
from cadence.local.ministack.serving.upload_files import SMALLEST, UploadFile, UploadProtocol
from cadence.local.shared.ports import first_free
from tests.waiting import eventually

T = TypeVar("T")
SIGNED = "/b/k?X-Amz-Credential=a%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0"
UPLOAD = bytes(SMALLEST) + b"end"
_seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")


class Application:
    """Answers each request with what was handed on, and records what else happens."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                event = (await receive())["type"]
                self.events.append(event)
                await send({"type": f"{event}.complete"})
        elif scope["type"] == "websocket":
            await self.converse(receive, send)
        else:
            await self.answer(scope, receive, send)

    async def converse(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": _seen.get()})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        self.events.append(f"{message['type']} {message['code']}")
        await send({"type": "websocket.send", "text": "too late"})
        self.events.append("sent nevertheless")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        handed_on = {
            "seen": _seen.get(),
            "target": [scope["path"], scope["raw_path"].decode(), scope["query_string"].decode()],
            "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
            "client": scope["client"][0],
            "file": isinstance(body, UploadFile),
            "body": len(body),
        }
        _seen.set("another request")
        status = int(dict(scope["headers"]).get(b"status", b"200"))
        content = json.dumps(handed_on).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["path"] == "/endless":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.events.append("http.disconnect")
        else:
            await send({"type": "http.response.body", "body": content})


def asking(app: AsgiApp, client: Callable[[int], T]) -> T:
    """Returns what `client` returns, called with the port of a server of `app`, which is then ended by a signal."""
    port = first_free()
    settings = Config()
    settings.bind, settings.loglevel, settings.graceful_timeout = [f"127.0.0.1:{port}"], "WARNING", 1

    def listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    async def serve_and_ask() -> T:
        serving = asyncio.create_task(serve(app, settings))
        try:
            await asyncio.to_thread(eventually, listening, what="the server listens")
            return await asyncio.to_thread(client, port)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await serving

    return asyncio.run(serve_and_ask())


def raw(port: int, sent: bytes, answers: int) -> list[tuple[int, Any]]:
    """Returns statuses and contents of the answers to what is sent over one connection at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        found = []
        for _ in range(answers):
            answer = http.client.HTTPResponse(connection)
            # One byte at a time, so that nothing of the next answer is read with this one.
            answer.fp = connection.makefile("rb", buffering=0)  # type: ignore[assignment]
            answer.begin()
            content = answer.read()
            found.append((answer.status, json.loads(content) if content else None))
        return found


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode() + body


def test_requests_are_handed_on_as_they_were_sent() -> None:
    sent = request(
        "GET", "/b/a%20%2F%C3%A4+'(x)?list-type=2&prefix=a%2Fb?", "X-Amz-Meta-A:   1 \t", "x-amz-meta-a: 2",
        "X-Forwarded-For: 192.0.2.1",
    )  # fmt: skip
    ((status, given),) = asking(Application(), lambda port: raw(port, sent, 1))
    assert status == 200
    assert given["target"] == ["/b/a /ä+'(x)", "/b/a%20%2F%C3%A4+'(x)", "list-type=2&prefix=a%2Fb?"]
    assert given["headers"] == [
        ["host", "localhost"], ["x-amz-meta-a", "1"], ["x-amz-meta-a", "2"], ["x-forwarded-for", "192.0.2.1"],
    ]  # fmt: skip
    assert given["client"] == "127.0.0.1"


def test_several_requests_over_one_connection_know_nothing_of_each_other() -> None:
    large = bytes(300_000)  # so much that reading is paused, and resumed within the request
    first = request("POST", "/", f"Content-Length: {len(large)}", body=large)
    chunked = request("PUT", "/", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    answers = asking(Application(), lambda port: raw(port, first + chunked + request("GET", "/"), 3))
    assert [(status, given["seen"], given["body"]) for status, given in answers] == [
        (200, "nothing", len(large)),
        (200, "nothing", 5),
        (200, "nothing", 0),
    ]


@pytest.mark.parametrize("bodiless", [request("HEAD", "/"), *(request("GET", "/", f"Status: {n}") for n in (204, 304))])
def test_an_answer_without_a_body_does_not_disturb_the_next(bodiless: bytes) -> None:
    def ask(port: int) -> tuple[bytes, bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(bodiless + request("GET", "/", "Connection: close"))
            head, _, rest = connection.makefile("rb").read().partition(b"\r\n\r\n")
            return head, rest

    _, rest = asking(Application(), ask)
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_waits_for_it_is_asked_to_continue() -> None:
    def ask(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request("PUT", "/", "Expect: 100-continue", "Content-Length: 1"))
            return connection.recv(100)

    assert asking(Application(), ask) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_an_upload_ends_where_the_next_request_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(UploadProtocol, "folder", tmp_path)
    upload = request("PUT", SIGNED, f"Content-Length: {len(UPLOAD)}", body=UPLOAD)
    # One that comes while another request is being answered has been read in part, and is read on.
    sent = upload + request("GET", "/") + upload
    answers = asking(Application(), lambda port: [*raw(port, sent, 3), *raw(port, upload + upload, 2)])
    assert [(given["file"], given["body"]) for _, given in answers][:2] == [(True, len(UPLOAD)), (False, 0)]
    assert [given["body"] for _, given in answers[2:]] == [len(UPLOAD)] * 3
    assert not [*tmp_path.iterdir()]


def test_a_websocket_carries_long_messages_and_ends_quietly() -> None:
    application, long = Application(), "x" * 1_000_000

    def converse(port: int) -> list[str]:
        client = websocket.create_connection(f"ws://127.0.0.1:{port}/", timeout=20)
        client.send(long)
        answers = [client.recv(), client.recv()]
        client.close(4001)
        eventually(lambda: "sent nevertheless" in application.events, what="the end is noticed")
        return [str(answer) for answer in answers]

    assert asking(application, converse) == ["nothing", long]
    assert application.events[1:3] == ["websocket.disconnect 4001", "sent nevertheless"]


def test_a_signal_ends_what_still_goes_on_and_then_the_application() -> None:
    application, going_on = Application(), ExitStack()

    def begin(port: int) -> int:
        client = websocket.create_connection(f"ws://127.0.0.1:{port}/", timeout=20)
        going_on.callback(client.shutdown)
        client.recv()
        left = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        left.request("GET", "/endless")
        status = left.getresponse().status
        left.close()
        eventually(lambda: "http.disconnect" in application.events, what="the request's end is noticed")
        endless = going_on.enter_context(socket.create_connection(("127.0.0.1", port)))
        endless.sendall(request("GET", "/endless"))
        endless.recv(10)
        return status

    with going_on:
        assert asking(application, begin) == 200
    assert application.events[0] == "lifespan.startup"
    assert application.events[-1] == "lifespan.shutdown"
    assert "websocket.disconnect 1012" in application.events


class Wire:
    """A transport that records what each of its calls was given."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.calls.append(f"{len(data)}")

    def close(self) -> None:
        self.calls.append("closed")


def test_what_is_written_in_one_turn_is_sent_at_once() -> None:
    async def write() -> list[str]:
        wire: Any = Wire()
        joined = JoinedWrites(wire, asyncio.get_running_loop())
        for data in (b"head", b"body"):
            joined.write(data)
        await asyncio.sleep(0)
        for data in (b"head", bytes(LONGEST_JOINED), b"more"):
            joined.write(data)
        joined.close()
        await asyncio.sleep(0)
        return list(wire.calls)

    assert asyncio.run(write()) == ["8", "4", f"{LONGEST_JOINED}", "4", "closed"]
