"""The counting server passes everything on unchanged and counts it under the right service."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from bench.counting_ministack import COUNTS_PATH, Counts, counting


def _ask(path: str, headers: dict[str, str], body: bytes, query: bytes = b"", counts: Counts | None = None) -> Any:
    """Ask a server that answers DynamoDB's way; the counts, and what reached the server."""
    kept = counts or Counts()
    reached: list[bytes] = []

    async def server(scope: Any, receive: Any, send: Any) -> None:
        reached.append((await receive())["body"])
        answer = json.dumps({"ConsumedCapacity": {"CapacityUnits": 2.5}}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(_: Any) -> None:
        return

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": query, "headers": raw}

    async def ask() -> None:
        await counting(server, kept)(scope, receive, send)

    asyncio.run(ask())
    return Counter(json.loads(kept.as_json())), reached


def test_dynamodb_is_asked_to_tell_its_units() -> None:
    counts, (body,) = _ask("/", {"x-amz-target": "DynamoDB_20120810.GetItem"}, b'{"Key": 1}')
    assert json.loads(body) == {"Key": 1, "ReturnConsumedCapacity": "TOTAL"}
    assert counts["dynamodb.read_units"] == 2.5 and counts["requests.dynamodb.GetItem"] == 1


@pytest.mark.parametrize(
    ("path", "headers", "query", "name"),
    [
        ("/_aws/execute-api/x/$default/v1/runs", {}, b"", "api_requests"),
        ("/bucket/key", {}, b"X-Amz-Credential=a%2Fb%2Fc%2Fs3%2Faws4_request", "s3.puts"),
        ("/1/queue", {}, b"X-Amz-Credential=a%2Fb%2Fc%2Fsqs%2Faws4_request", "sqs_requests"),
        ("/", {"x-amz-target": "AmazonSQS.SendMessage"}, b"", "sqs_requests"),
        ("/", {"x-amz-target": "TrentService.Decrypt"}, b"", "kms_requests"),
    ],
)
def test_a_request_is_counted_once_and_passed_on(path: str, headers: dict[str, str], query: bytes, name: str) -> None:
    counts, (body,) = _ask(path, headers, b"{}", query)
    assert counts[name] == 1 and body == b"{}"


def test_the_counts_themselves_are_answered_by_no_service() -> None:
    _, reached = _ask(COUNTS_PATH, {}, b"")
    assert reached == []
