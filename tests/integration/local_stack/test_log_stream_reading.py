"""Kinesis on MiniStack: what failed in part is handed over again, what is old goes without taking new records along,
and a partition key with much to read holds no other one back.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import kinesis, lambda_svc

from cadence.local.ministack import kinesis_polling

NAME = "reading-test"
ARN = f"arn:aws:kinesis:{lambda_svc.get_region()}:{lambda_svc.get_account_id()}:stream/{NAME}"


class Reader:
    """A Lambda that gets batches of three, says which records fail, and remembers what it took."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.batches: list[list[str]] = []

    def __call__(self, function: Any, event: dict[str, Any]) -> dict[str, Any]:
        numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        self.batches.append(numbers)
        return {"body": {"batchItemFailures": [{"itemIdentifier": one} for one in numbers if one in self.failing]}}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    reader = Reader()
    monkeypatch.setattr(lambda_svc, "_execute_function", reader)
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_qualifier", lambda *_: ({}, {}))
    shard: dict[str, Any] = {"records": []}
    kinesis._streams[NAME] = {
        "StreamARN": ARN, "StreamStatus": "ACTIVE", "shards": {"shard-0": shard}, "RetentionPeriodHours": 24,
    }  # fmt: skip
    lambda_svc._esms["reading"] = {
        "UUID": "reading",
        "EventSourceArn": ARN,
        "FunctionName": "log_indexer",
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 3,
    }
    yield reader
    kinesis._streams.pop(NAME, None)
    for store in (lambda_svc._esms, lambda_svc._kinesis_positions, lambda_svc._esm_backoff_until):
        store.pop("reading", None)


def write(*numbers: int, age: float = 0.0, key: str = "run", data: str = "eA==") -> None:
    kinesis._streams[NAME]["shards"]["shard-0"]["records"] += [
        {
            "SequenceNumber": str(number),
            "PartitionKey": key,
            "Data": data,
            "ApproximateArrivalTimestamp": time.time() - age,
        }
        for number in numbers
    ]


def poll() -> bool:
    lambda_svc._esm_backoff_until.pop("reading", None)
    return kinesis_polling.poll()


def test_a_batch_that_failed_in_part_comes_again_from_the_first_failure_on(reader: Reader) -> None:
    write(1, 2, 3, 4)
    reader.failing = {"2"}
    assert not poll()
    assert not kinesis_polling.poll()  # it rests before it tries again
    reader.failing = set()
    assert poll()
    poll()
    assert reader.batches == [["1", "2", "3"], ["2", "3", "4"]]


def test_new_records_are_handed_over_although_old_ones_are_gone(reader: Reader) -> None:
    write(1, 2, age=25 * 3600)
    poll()
    write(3)
    kinesis_polling.expire(kinesis._streams[NAME])
    poll()
    assert reader.batches == [["1", "2"], ["3"]]


def test_old_records_that_nobody_has_read_take_no_new_ones_along(reader: Reader) -> None:
    write(1)
    poll()
    write(2, 3, age=25 * 3600)
    write(4)
    kinesis_polling.expire(kinesis._streams[NAME])
    poll()
    assert reader.batches == [["1"], ["4"]]


def test_a_run_that_prints_much_holds_no_other_one_back(reader: Reader) -> None:
    lambda_svc._esms["reading"]["ParallelizationFactor"] = 4
    write(*range(1, 9), key="flood")
    write(9, key="other run")
    assert poll()
    assert reader.batches == [["9"], ["1", "2", "3"]]
    reader.failing = {"5"}
    assert not poll()
    write(10, key="other run")
    reader.failing = set()
    while poll():
        pass
    assert reader.batches[2:] == [["4", "5", "6"], ["10"], ["5", "6", "7"], ["8"]]


def test_a_batch_has_a_bound_in_bytes(reader: Reader) -> None:
    write(1, 2, 3, data="A" * 200_000)
    while poll():
        pass
    assert reader.batches == [["1"], ["2"], ["3"]]


def test_a_state_that_was_saved_without_lanes_goes_on_where_it_was(reader: Reader) -> None:
    write(1, 2, 3)
    lambda_svc._kinesis_positions["reading"] = {"shard-0": 2}
    poll()
    assert reader.batches == [["3"]]


def test_a_lambda_that_fails_gets_the_batch_again(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    write(1, 2)
    monkeypatch.setattr(lambda_svc, "_execute_function", lambda *_: {"error": True, "body": {}})
    assert not poll()
    monkeypatch.setattr(lambda_svc, "_execute_function", reader)
    poll()
    assert reader.batches == [["1", "2"]]
