"""The host provider's and the log indexer's handlers from their events."""

import base64
import importlib
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.kinesis_records import FailedBatches
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.lines.log_records import encode
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.application.logs.rescue_records import RescueRecords
from cadence.application.logs.take_records import KeepStrayRecord
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.states import RunState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Cancelled
from tests.fakes.runs import a_run
from tests.fakes.services import ManualClock
from tests.integration.runners.conftest import RUN_ID, World

RUNNER_ID = ids.runner_id(RUN_ID, "make", 1)
_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:none"


@pytest.fixture
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = client("sqs").create_queue(QueueName="deadlines")["QueueUrl"]
    for name, value in {
        "RUNS_TABLE": "runs",
        "RUNNERS_TABLE": "runners",
        "LOGS_TABLE": "logs",
        "LIVE_FUNCTION": "live",
        "DATA_BUCKET": "data",
        "LOG_MEBIBYTES": "1024",
        "PROJECT_LOG_MEBIBYTES": "20480",
        "VALUE_BUCKETS": "elsewhere=eu-west-1",
        "RUN_MACHINE_ARN": _MACHINE,
        "TREATMENT_MACHINE_ARN": _MACHINE,
        "DEADLINES_QUEUE_URL": queue,
        "WORK_NOTIFICATION_PREFIX": "work-notification-",
        "PROVIDER_FUNCTION_PREFIX": "provider-",
    }.items():
        monkeypatch.setenv(f"CADENCE_{name}", value)


@pytest.fixture
def provider_host(environment: None, world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = importlib.import_module("provider_host.handler")
    monkeypatch.setattr("cadence.composition.provider_host.state_machines", lambda *_: world.machines)
    # Built again, since the module may have been imported with another test's cloud.
    return importlib.reload(module).handler


@pytest.fixture
def log_indexer(environment: None) -> Any:
    return importlib.reload(importlib.import_module("log_indexer.handler")).handler


def launch(operation: str) -> dict[str, Any]:
    placement = {
        "pool": "local",
        "provider": "host",
        "function": "provider_host",
        "runner_id": RUNNER_ID,
        "attempt": 1,
        "boot_deadline": 120,
        "reason": "the only candidate",
    }
    event = {"operation": operation, "run_id": RUN_ID, "treatment": "make"}
    if operation == "stop":
        return event | {"runner_id": RUNNER_ID}
    return event | {"placement": placement, "task_token": "launch-token"}


def test_a_runner_is_offered_and_released(world: World, provider_host: Any) -> None:
    provider_host(launch("start"), None)
    assert [offer.runner_id for offer in world.hosts.list_offers("default", "local", 10)] == [RUNNER_ID]
    runner = world.runners.get_runner(RUNNER_ID)
    assert (runner.state, runner.task_token, runner.boot_deadline) == (RunnerState.OFFERED, "launch-token", 120)
    provider = world.provider("default", "local")
    assert ([machine.ref for machine in provider.list_owned()], provider.describe(RUNNER_ID).condition) == (
        [RUNNER_ID],
        "starting",
    )
    provider_host(launch("stop"), None)
    provider_host(launch("stop"), None)
    assert world.runners.get_runner(RUNNER_ID).state is RunnerState.RELEASED
    assert ([machine.ref for machine in provider.list_owned()], provider.describe(RUNNER_ID).condition) == ([], "gone")


def test_an_error_is_reported_through_the_token(world: World, provider_host: Any) -> None:
    world.runs.request_stop(RUN_ID, RunState.CANCELLED, "cancelled by ada")
    provider_host(launch("start"), None)
    ((token, error),) = world.machines.failed
    assert (token, type(error), error.message) == ("launch-token", Cancelled, "cancelled by ada")


def of_runs(world: World, *run_ids: str) -> None:
    for run_id in run_ids:
        world.runs.create_run(a_run(run_id))


def record(number: int, data: bytes) -> dict[str, Any]:
    return {
        "kinesis": {
            "partitionKey": RUN_ID,
            "sequenceNumber": str(number),
            "approximateArrivalTimestamp": time.time(),
            "data": base64.b64encode(data).decode(),
        },
        "eventSource": "aws:kinesis",
    }


def lines(run_id: str, *numbers: int) -> bytes:
    kept = [
        LogLine(seq=n, time="2026-01-02T03:04:05.678Z", stream="stdout", level="info", text=f"line {n}")
        for n in numbers
    ]
    return encode(LogBatch(run_id=run_id, runner_id=f"{run_id}-runner", treatment="make", attempt=1, lines=kept))


def written(world: World, run_id: str) -> list[int]:
    return [
        line["seq"]
        for segment in world.log_index.list_segments(run_id, 0, 100)
        for line in world.log_segments.read(segment.key)
    ]


def test_a_poisoned_record_is_set_aside_and_stops_no_other(world: World, log_indexer: Any) -> None:
    of_runs(world, "a", "b")
    event = {"Records": [record(1, lines("a", 1, 2)), record(2, b"poison"), record(3, lines("b", 1))]}
    dead_letter = DynamoStrayRecords("logs", "data")
    for _ in range(2):
        assert log_indexer(event, None) == {"batchItemFailures": []}
        # It was sent under a run of this world, so it is that project's.
        (stray,) = dead_letter.list("default", 10)
        assert (stray.number, stray.project, dead_letter.content(stray)) == ("2", "default", b"poison")
    assert (written(world, "a"), written(world, "b")) == ([1, 2], [1])


def test_a_record_that_was_set_aside_is_written_once_it_can_be(world: World, log_indexer: Any) -> None:
    of_runs(world, "a")
    event = {"Records": [record(1, lines("nobody", 1)), record(2, lines("a", 3))]}
    log_indexer(event, None)
    dead_letter = DynamoStrayRecords("logs", "data")
    (stray,) = dead_letter.list("default", 10)
    again = {"redrive": {"organization": "default", "records": [stray.number]}}
    log_indexer(again, None)
    (still,) = dead_letter.list("default", 10)
    assert still.at > stray.at and "nobody" in still.cause
    of_runs(world, "nobody")
    for _ in range(2):
        log_indexer(again, None)
    assert dead_letter.list("default", 10) == []
    assert written(world, "nobody") == [1]


def test_what_fell_out_of_the_stream_is_brought_to_safety(world: World) -> None:
    client("kinesis").create_stream(StreamName="log-lines", ShardCount=1)
    queue = client("sqs").create_queue(QueueName="log-lines-failed")["QueueUrl"]
    sent = [
        client("kinesis").put_record(StreamName="log-lines", Data=b"record %d" % number, PartitionKey="nobody")
        for number in range(3)
    ]
    info = {
        "shardId": sent[1]["ShardId"],
        "startSequenceNumber": sent[1]["SequenceNumber"],
        "endSequenceNumber": sent[2]["SequenceNumber"],
    }
    for body in (
        {"KinesisBatchInfo": info},
        {"KinesisBatchInfo": {**info, "shardId": "gone"}},
        "no message of Lambda's",
    ):
        client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    dead_letter, clock = DynamoStrayRecords("logs", "data"), ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
    keep_stray_record = KeepStrayRecord(dead_letter, world.runs.get_run, clock, lambda *_, **__: None)
    assert RescueRecords(FailedBatches(queue, "log-lines"), keep_stray_record).rescue() == 2
    strays = dead_letter.list("default", 10)
    assert sorted(dead_letter.content(stray) for stray in strays) == [b"record 1", b"record 2"]
    assert {stray.project for stray in strays} == {"*"}
    counts = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    # What is lost, or not understood, goes on telling of itself.
    assert int(counts["ApproximateNumberOfMessagesNotVisible"]) == 2


def test_a_run_that_cannot_be_written_is_reported_alone(
    world: World, log_indexer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_runs(world, "a", "b")
    put_object = client("s3").put_object

    def failing(**arguments: Any) -> Any:
        if "/a/" in arguments["Key"]:
            raise ConnectionError("the store is away")
        return put_object(**arguments)

    event = {"Records": [record(1, lines("a", 1)), record(2, lines("b", 1)), record(3, lines("a", 2))]}
    monkeypatch.setattr(client("s3"), "put_object", failing)
    assert log_indexer(event, None) == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    monkeypatch.undo()
    assert written(world, "b") == [1]
    event["Records"].pop(1)
    assert json.dumps(log_indexer(event, None)) == '{"batchItemFailures": []}'
    assert written(world, "a") == [1, 2]
