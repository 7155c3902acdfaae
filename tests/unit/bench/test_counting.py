"""The counting server passes everything on unchanged and counts it under the right service."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections import Counter
from typing import Any

import pytest
from ministack.services import stepfunctions

from bench.counting import call_log
from bench.counting.call_log import CALLS_PATH, CallLog
from bench.counting.ministack import COUNTS_PATH, LONGEST_TASK_TOKEN, Counts, counting, lengthen_task_tokens


def _ask(
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: bytes = b"",
    counts: Counts | None = None,
    log: CallLog | None = None,
) -> Any:
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
        await counting(server, kept, log or CallLog())(scope, receive, send)

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


@pytest.mark.parametrize("path", [COUNTS_PATH, CALLS_PATH])
def test_the_counts_themselves_are_answered_by_no_service(path: str) -> None:
    _, reached = _ask(path, {}, b"")
    assert reached == []


def test_a_call_is_noted_with_the_invocation_that_makes_it() -> None:
    log = CallLog()
    log.begin("process-7", "place")
    signed = "AWS4-HMAC-SHA256 Credential=key/20300101/eu-west-1/dynamodb/aws4_request"
    headers = {"x-amz-target": "DynamoDB_20120810.GetItem", "user-agent": "Boto app/process-7", "authorization": signed}
    _ask("/", headers, b'{"Key": {"pk": {"S": "RUN#1"}, "sk": {"S": "RUN"}}}', log=log)
    _ask(
        "/bucket/runs/1", {}, b"", b"X-Amz-Signature=1&X-Amz-Credential=k%2F20300101%2Feu%2Fs3%2Faws4_request", log=log
    )
    first, second = json.loads(log.as_json(0))
    assert first == {
        "caller": "place", "service": "dynamodb", "action": "GetItem", "what": "RUN#1 RUN", "units": 2.5
    }  # fmt: skip
    assert (second["caller"], second["service"], second["what"]) == ("agent", "s3", "runs")
    assert json.loads(log.as_json(1)) == [second]


@pytest.mark.parametrize(
    ("folder", "event", "name"),
    [
        ("place", {"run_id": "1"}, "place"),
        ("place", {"operation": "wait"}, "place wait"),
        ("runner_gateway", {"rawPath": "/runner/v1/claim"}, "runner_gateway claim"),
        ("runner_gateway", {"rawPath": "/runner/v1/hosts/h/lease"}, "runner_gateway lease"),
        ("runner_gateway", {"rawPath": "/runner/v1/runners/r-1/outputs/made"}, "runner_gateway outputs"),
        ("runner_gateway", {"rawPath": "/runner/v1/runners/r-1/cache/find"}, "runner_gateway cache/find"),
        ("watchdog", {"Records": [{"body": '{"run_id": "1"}'}]}, "watchdog run_id"),
    ],
)
def test_an_invocation_is_named_by_what_it_is_asked_for(folder: str, event: Any, name: str) -> None:
    assert call_log.invoked(folder, event) == name


@pytest.mark.parametrize(
    ("service", "request_body", "what"),
    [
        ("dynamodb", {"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}}, "a b"),
        ("dynamodb", {"TransactItems": [{"Update": {"Key": {"pk": {"S": "a"}}}}, {"Delete": {}}]}, "a + "),
        ("dynamodb", {"RequestItems": {"runs": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]}}}, "a + b"),
        ("dynamodb", {"RequestItems": {"runs": [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]}}, "a"),
        (
            "dynamodb",
            {"KeyConditionExpression": "pk = :0", "ExpressionAttributeValues": {":0": {"S": "a"}, ":1": {"N": "1"}}},
            "a",
        ),
        ("sqs", {"QueueUrl": "http://local/1/queue", "MessageBody": "work"}, "queue work"),
    ],
)
def test_a_call_is_described_by_its_keys_or_its_queue(service: str, request_body: Any, what: str) -> None:
    assert call_log.subject(service, "/", request_body) == what


def test_task_tokens_are_as_long_as_in_aws_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepfunctions, "new_uuid", stepfunctions.new_uuid)  # both come back after the test
    monkeypatch.setattr(stepfunctions, "_execute_task", lambda: stepfunctions.new_uuid())
    lengthen_task_tokens()
    first, second = stepfunctions._execute_task(), stepfunctions._execute_task()
    assert (len(first), len(second), first == second) == (LONGEST_TASK_TOKEN, LONGEST_TASK_TOKEN, False)
    assert b64encode(b64decode(first, validate=True)).decode() == first
    assert len(stepfunctions.new_uuid()) == 36
