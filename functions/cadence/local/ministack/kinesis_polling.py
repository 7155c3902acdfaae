"""Delivers records of Kinesis streams to Lambdas as AWS does, for MiniStack.

MiniStack continues behind a batch of which the Lambda reported failed records, so that these are lost. AWS goes back to
the first failed record and delivers it again with all that follow. MiniStack also counts the position of a reader from
the first record of a shard: when an expired record is removed, it skips as many new ones. It knows neither the bound on
the bytes of a batch nor `ParallelizationFactor`, by which AWS reads a shard in several lanes: records with one
partition key stay in order, and those with another one need not wait for them. Here, lanes take turns. `stream_threads`
polls them.
"""

import json
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ministack.core import responses
from ministack.services import kinesis, lambda_svc

_WAIT = 1.0
"""Seconds until the rest of a batch is delivered again."""

_MOST_BYTES = 256 << 10
"""Of the records of a batch, if they are several. AWS allows 6 MB; here the lanes wait for each other."""

_expire = kinesis._expire_records  # noqa: SLF001 (no public way, here and below)

Record = Mapping[str, Any]


def install() -> None:
    """Lets MiniStack deliver in this way."""
    lambda_svc._poll_kinesis = poll  # noqa: SLF001
    kinesis._expire_records = expire  # noqa: SLF001


def poll() -> bool:
    """Delivers a batch of each lane of each stream; returns whether records were processed."""
    processed = False
    for account, region, mapping in lambda_svc._iter_all_esms():  # noqa: SLF001
        with _scope(account, region):
            stream = _stream_of(mapping)
            if stream is not None and lambda_svc._esm_backoff_until.get(mapping["UUID"], 0) <= time.time():  # noqa: SLF001
                for shard_id, shard in stream["shards"].items():
                    processed |= _poll_shard(mapping, shard_id, shard["records"])
    return processed


def expire(stream: Mapping[str, Any]) -> None:
    """Removes expired records; the readers of the stream keep their positions."""
    before = {shard_id: list(shard["records"]) for shard_id, shard in stream["shards"].items()}
    _expire(stream)
    for mapping in lambda_svc._esms._data.values():  # noqa: SLF001
        if mapping["EventSourceArn"] != stream["StreamARN"]:
            continue
        positions = lambda_svc._kinesis_positions.get(mapping["UUID"], {})  # noqa: SLF001
        for lane, position in positions.items():
            shard_id = lane.partition("/")[0]
            if shard_id in stream["shards"]:
                kept = {record["SequenceNumber"] for record in stream["shards"][shard_id]["records"]}
                positions[lane] = sum(record["SequenceNumber"] in kept for record in before[shard_id][:position])


def _poll_shard(mapping: dict[str, Any], shard_id: str, records: Sequence[Record]) -> bool:
    """Delivers a batch of each lane of a shard. A lane's position is the first record that it has not gone past."""
    positions = lambda_svc._kinesis_positions.setdefault(mapping["UUID"], {})  # noqa: SLF001
    if shard_id not in positions:
        positions[shard_id] = 0 if mapping.get("StartingPosition") == "TRIM_HORIZON" else len(records)
    lanes = int(mapping.get("ParallelizationFactor") or 1)
    processed = False
    for lane in range(lanes):
        name = f"{shard_id}/{lane}"
        # A position without a lane is of a state that was saved before there were lanes.
        start = positions.setdefault(name, positions[shard_id])
        batch, end = _batch(records, start, lane, lanes, int(mapping.get("BatchSize", 100)))
        if batch:
            failed = _deliver(mapping, shard_id, [record for _, record in batch])
            end = end if failed is None else batch[failed][0]
            processed |= failed is None
        positions[name] = end
    return processed


def _batch(
    records: Sequence[Record], start: int, lane: int, lanes: int, most: int
) -> tuple[Sequence[tuple[int, Record]], int]:
    """Returns the next records of a lane with their indexes, and the position after them."""
    batch: list[tuple[int, Record]] = []
    size = 0
    for index in range(start, len(records)):
        record = records[index]
        if zlib.crc32(record["PartitionKey"].encode()) % lanes != lane:
            continue
        size += len(record["Data"])
        if len(batch) == most or (batch and size > _MOST_BYTES):
            return batch, index
        batch.append((index, record))
    return batch, len(records)


def _deliver(mapping: dict[str, Any], shard_id: str, records: Sequence[Record]) -> int | None:
    """Returns the place of the first record that failed, which is delivered again a little later; None without one."""
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))  # noqa: SLF001
    source = mapping["EventSourceArn"]
    event = {"Records": [_as_event(source, shard_id, record) for record in records]}
    result: dict[str, Any] = lambda_svc._execute_function(function, event)  # noqa: SLF001
    numbers = [record["SequenceNumber"] for record in records]
    failed = None
    if result.get("error"):
        failed = 0
    elif failures := {one["itemIdentifier"] for one in _failures(result.get("body"))}:
        failed = next(place for place, number in enumerate(numbers) if number in failures)
    if failed is not None:
        lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + _WAIT  # noqa: SLF001
    mapping["LastProcessingResult"] = "FAILED" if result.get("error") else f"OK - {len(records)} records"
    return failed


def _stream_of(mapping: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the active stream that a mapping reads, if it reads one and its Lambda exists."""
    if not mapping.get("Enabled", True) or ":kinesis:" not in mapping.get("EventSourceArn", ""):
        return None
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))  # noqa: SLF001
    streams = kinesis._streams._data.values()  # noqa: SLF001
    found = (one for one in streams if one["StreamARN"] == mapping["EventSourceArn"])
    stream: dict[str, Any] | None = next(found, None)
    return stream if function is not None and stream and stream["StreamStatus"] == "ACTIVE" else None


def _as_event(source: str, shard_id: str, record: Record) -> dict[str, Any]:
    data = record["Data"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": b64encode(data).decode() if isinstance(data, bytes) else data,
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": lambda_svc.get_region(),
        "eventSourceARN": source,
    }


@contextmanager
def _scope(account: str, region: str) -> Iterator[None]:
    """Lets what is done within belong to an account and a region."""
    account_token = responses._request_account_id.set(account)  # noqa: SLF001
    region_token = responses._request_region.set(region)  # noqa: SLF001
    try:
        yield
    finally:
        responses._request_account_id.reset(account_token)  # noqa: SLF001
        responses._request_region.reset(region_token)  # noqa: SLF001


def _failures(body: Any) -> list[dict[str, str]]:
    answer = json.loads(body) if isinstance(body, str | bytes) and body else body
    found: list[dict[str, str]] = answer.get("batchItemFailures", []) if isinstance(answer, dict) else []
    return found
