"""The local stack's MiniStack, counting on the server's side what AWS would bill. Cadence itself is not touched.

Requests are counted where they arrive, DynamoDB being asked to tell the units it consumed; Lambdas' invocations where
all of MiniStack's ways to a function meet. Task tokens are as long as those of Step Functions may be, since DynamoDB
bills an item by its size. ``GET /_bench/counts`` answers the counts so far, ``GET /_bench/calls`` each
call with the invocation that made it.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from bench.counting import billed, call_log
from bench.counting.call_log import CALLS_PATH, CallLog
from cadence.local.ministack import main as ministack_main

COUNTS_PATH = "/_bench/counts"
LONGEST_TASK_TOKEN = 2048
"""Characters, by the service's reference (`SendTaskSuccess`, `taskToken`)."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Counts:
    """Counters by dotted name; invocations are counted by threads, requests by the server's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, prefix: str, amounts: Counter[str]) -> None:
        with self._lock:
            for name, amount in amounts.items():
                self._counts[f"{prefix}{name}"] += amount

    def as_json(self) -> bytes:
        with self._lock:
            return json.dumps(self._counts).encode()


def counting(application: Application, counts: Counts, log: CallLog) -> Application:
    """The ASGI application, with every HTTP request counted by what it is."""

    async def counted(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif scope["path"] == COUNTS_PATH:
            await _answer(send, counts.as_json())
        elif scope["path"] == CALLS_PATH:
            await _answer(send, log.as_json(call_log.after_in(scope["query_string"])))
        elif scope["path"].startswith("/_aws/execute-api/"):
            counts.add("", Counter(api_requests=1))
            await application(scope, receive, send)
        else:
            await _count_service(application, counts, log, scope, receive, send)

    return counted


async def _count_service(
    application: Application, counts: Counts, log: CallLog, scope: Message, receive: Receive, send: Send
) -> None:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    prefix, _, action = headers.get("x-amz-target", "").rpartition(".")
    query = scope["query_string"].decode("latin-1")
    service, signed = _service(prefix, headers, scope), call_log.signed_service(headers, query)
    caller = log.caller(headers, query)
    named = call_log.action_of(signed, headers, scope["method"], scope["path"])
    if service == "s3":
        counts.add("s3.", billed.of_s3(scope["method"], int(headers.get("content-length", 0))))
        log.add(caller, signed, named, call_log.subject(signed, scope["path"], {}))
        await application(scope, receive, send)
        return
    body = await _body(receive)
    request = billed.parsed(body)
    if service == "dynamodb":
        units = await _count_dynamodb(application, counts, action, scope, request, send)
        log.add(caller, service, action, call_log.subject(service, scope["path"], request), units)
        return
    if signed:
        log.add(caller, signed, named, call_log.subject(signed, scope["path"], request))
    if service == "kinesis":
        counts.add("", billed.of_kinesis(action, request))
    elif service == "sqs":
        queue = str(request.get("QueueUrl", "")).rpartition("/")[2]
        counts.add("", Counter(sqs_requests=1))
        counts.add("requests.sqs.", Counter({f"{queue}.{action}": 1}))
    elif service == "kms":
        counts.add("", Counter(kms_requests=1))
    await application(scope, _replay(body), send)


def _service(prefix: str, headers: MutableMapping[str, str], scope: Message) -> str:
    """The service that a request asks for: named by its target, else by its signature, in a header or in
    the address.
    """
    for start, service in (
        ("DynamoDB", "dynamodb"),
        ("Kinesis", "kinesis"),
        ("AmazonSQS", "sqs"),
        ("TrentService", "kms"),
    ):
        if prefix.startswith(start):
            return service
    signed = headers.get("authorization", "") + unquote(scope["query_string"].decode("latin-1"))
    return next((service for service in ("s3", "sqs") if f"/{service}/aws4_request" in signed), "other")


async def _count_dynamodb(
    application: Application, counts: Counts, action: str, scope: Message, request: Mapping[str, Any], send: Send
) -> float:
    """Returns the units that the call consumed."""
    body = json.dumps({**request, "ReturnConsumedCapacity": "TOTAL"}).encode()
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    status, parts = 200, bytearray()

    async def listen(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.extend(message.get("body", b""))
        await send(message)

    await application({**scope, "headers": headers}, _replay(body), listen)
    units = billed.of_dynamodb(action, request, billed.parsed(bytes(parts)), refused=status >= 400)
    counts.add("dynamodb.", units)
    counts.add("requests.dynamodb.", Counter({action: 1}))
    return float(sum(units.values()))


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _answer(send: Send, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def count_invocations(counts: Counts) -> None:
    """Wrap the one function of MiniStack that every invocation passes.

    An invocation's time is taken without MiniStack's wait for log lines after it, for which AWS does not bill.
    """
    dispatch = lambda_svc._execute_function_dispatch  # noqa: SLF001 (there is no public way)
    drain = lambda_runtime.Worker._drain_stderr_bounded  # noqa: SLF001 (as above)
    waited = threading.local()

    def timed_drain(worker: Any) -> Any:
        began = time.perf_counter()
        lines = drain(worker)
        waited.seconds = time.perf_counter() - began
        return lines

    def counted(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        waited.seconds = 0.0
        began = time.perf_counter()
        result = dispatch(func, config, event, request_id, started)
        milliseconds = (time.perf_counter() - began - waited.seconds) * 1000
        log = result.get("log", "") if isinstance(result, dict) else ""
        folder = config["Handler"].partition(".")[0]
        counts.add(f"lambda.{folder}.", Counter(invocations=1, milliseconds=milliseconds))
        counts.add("", Counter(log_bytes=len(log.encode())) + _of_delivery(event))
        return result

    lambda_runtime.Worker._drain_stderr_bounded = timed_drain  # noqa: SLF001 (as above)
    lambda_svc._execute_function_dispatch = counted  # noqa: SLF001 (as above)


def _of_delivery(event: Any) -> Counter[str]:
    """Messages that Lambda fetched: one request to receive them, one to delete them."""
    records = event.get("Records", []) if isinstance(event, dict) else []
    return Counter(sqs_requests=2) if records and records[0].get("eventSource") == "aws:sqs" else Counter()


def lengthen_task_tokens() -> None:
    """Makes task tokens Base64, as long as they may be in AWS; MiniStack draws a UUID while it carries out a task."""
    execute, draw = stepfunctions._execute_task, stepfunctions.new_uuid  # noqa: SLF001 (there is no public way)
    carrying_out = threading.local()

    def noted(*arguments: Any, **options: Any) -> Any:
        carrying_out.task = True
        try:
            return execute(*arguments, **options)
        finally:
            carrying_out.task = False

    def drawn() -> str:
        name = str(draw())
        carries_out = getattr(carrying_out, "task", False)
        return name.replace("-", "/").ljust(LONGEST_TASK_TOKEN, "A") if carries_out else name

    stepfunctions._execute_task = noted  # noqa: SLF001 (as above)
    stepfunctions.new_uuid = drawn


def main() -> None:
    """Run it."""
    lengthen_task_tokens()
    counts, log = Counts(), CallLog()
    count_invocations(counts)
    call_log.install(log)
    app.app = counting(app.app, counts, log)
    ministack_main.main()


if __name__ == "__main__":
    main()
