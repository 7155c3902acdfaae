"""Streams on MiniStack are polled independently of each other: a slow Lambda holds up no other one's records."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, kinesis, lambda_svc

from cadence.local.ministack import kinesis_polling, stream_threads, table_streams

LONGEST = 30.0
TABLE, LINES = "threads-test", "threads-lines"
_PLACE = f"{lambda_svc.get_region()}:{lambda_svc.get_account_id()}"
CHANGES = f"arn:aws:dynamodb:{_PLACE}:table/{TABLE}/stream/now"
STREAM = f"arn:aws:kinesis:{_PLACE}:stream/{LINES}"
READERS = {"search_index": CHANGES, "live": CHANGES, "log_indexer": STREAM}


class Lambdas:
    """`search_index` takes until `end` is set; `invoked` is set by Lambda when one is invoked."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.invoked = {name: threading.Event() for name in READERS}
        self.changes: list[int] = []

    def __call__(self, function: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
        name = function["name"]
        if name == "live":
            self.changes += [record["number"] for record in event["Records"]]
        self.invoked[name].set()
        if name == "search_index":
            assert self.end.wait(LONGEST)
        return {}


@pytest.fixture
def lambdas(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambdas]:
    """A table whose changes two Lambdas read, a stream of lines that one reads, and each polled in its thread."""
    lambdas = Lambdas()
    for module, names in (
        (lambda_svc, ("_poll_kinesis", "_poll_dynamodb_streams", "_iter_all_esms")),
        (dynamodb, ("stream_records_since", "stream_start_position", "stream_end_position")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(lambda_svc, "_execute_function", lambdas)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_qualifier", lambda name, _: ({"name": name}, {}))
    table_streams.install()
    kinesis_polling.install()
    stream_threads.install()
    dynamodb._tables[TABLE] = {"LatestStreamArn": CHANGES}
    kinesis._streams[LINES] = {"StreamARN": STREAM, "StreamStatus": "ACTIVE", "shards": {"shard-0": {"records": []}}}
    for name, source in READERS.items():
        lambda_svc._esms[name] = {
            "UUID": name, "EventSourceArn": source, "FunctionName": name,
            "StartingPosition": "TRIM_HORIZON", "BatchSize": 1,
        }  # fmt: skip
    yield lambdas
    lambdas.end.set()
    for name in READERS:
        for store in (lambda_svc._esms, lambda_svc._dynamodb_stream_positions, lambda_svc._kinesis_positions):
            store.pop(name, None)
    kinesis._streams.pop(LINES, None)
    for store in (dynamodb._tables, dynamodb._stream_records, dynamodb._stream_trimmed):
        store.pop(TABLE, None)


def change(*numbers: int) -> None:
    records = dynamodb._stream_records.get(TABLE) or []
    records += [{"eventName": "INSERT", "dynamodb": {}, "number": number} for number in numbers]
    dynamodb._stream_records[TABLE] = records


def wait_until_read(lambdas: Lambdas, *numbers: int) -> None:
    deadline = time.monotonic() + LONGEST
    while lambdas.changes != list(numbers):
        assert time.monotonic() < deadline, f"{lambdas.changes} were delivered"
        lambdas.invoked["live"].wait(0.05)
        lambdas.invoked["live"].clear()


def test_lines_and_other_changes_do_not_wait_for_a_lambda_that_takes_long(lambdas: Lambdas) -> None:
    change(1, 2, 3)
    assert not lambda_svc._poll_dynamodb_streams()
    assert lambdas.invoked["search_index"].wait(LONGEST)
    line = {"SequenceNumber": "1", "PartitionKey": "run", "Data": "eA==", "ApproximateArrivalTimestamp": time.time()}
    kinesis._streams[LINES]["shards"]["shard-0"]["records"].append(line)
    assert not lambda_svc._poll_kinesis()
    assert lambdas.invoked["log_indexer"].wait(LONGEST)
    wait_until_read(lambdas, 1, 2, 3)
    assert not lambdas.end.is_set()
    assert len(dynamodb._stream_records[TABLE]) == 3  # `search_index` has not read them


def test_a_thread_whose_poll_raised_polls_again_when_it_is_woken() -> None:
    polls = [threading.Event(), threading.Event()]
    number = iter(range(2))

    def poll() -> bool:
        now = next(number)
        polls[now].set()
        if now == 0:
            raise RuntimeError("the stream was deleted meanwhile")
        return False

    thread = stream_threads.StreamThread("test", poll)
    for polled in polls:
        thread.wake()
        assert polled.wait(LONGEST)
