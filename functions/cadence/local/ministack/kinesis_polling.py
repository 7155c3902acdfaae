"""Delivers records of Kinesis streams to Lambdas as AWS does, for MiniStack.

MiniStack continues behind a batch of which the Lambda reported failed records, so that these are lost. AWS goes back to
the
first failed record and delivers it again with all that follow. MiniStack also counts the position of a reader from the
first
record of a shard: when an expired record is removed, it skips as many new ones.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import kinesis, lambda_svc

_WAIT = 1.0
"""Seconds until the rest of a batch is delivered again."""

_execute = lambda_svc._execute_function  # noqa: SLF001 (no public way, here and below)
_poll = lambda_svc._poll_kinesis  # noqa: SLF001
_expire = kinesis._expire_records  # noqa: SLF001
# In the current poll: the source of each batch that failed in part → its lowest failed sequence number.
_failed: dict[str, int] = {}


def install() -> None:
    """Lets MiniStack go back to failed records."""
    lambda_svc._execute_function = execute  # noqa: SLF001
    lambda_svc._poll_kinesis = poll  # noqa: SLF001
    kinesis._expire_records = expire  # noqa: SLF001


def execute(function: dict[str, Any], event: dict[str, Any], *rest: Any, **more: Any) -> dict[str, Any]:
    response: dict[str, Any] = _execute(function, event, *rest, **more)
    records = event.get("Records") if isinstance(event, dict) else None
    if records and records[0].get("eventSource") == "aws:kinesis" and not response.get("error"):
        numbers = [int(one["itemIdentifier"]) for one in _failures(response.get("body"))]
        if numbers:
            _failed[records[0]["eventSourceARN"]] = min(numbers)
    return response


def poll() -> bool:
    """Polls all streams once; readers go back to the first failed record of their batch."""
    _failed.clear()
    processed = bool(_poll())
    for source, number in _failed.items():
        stream = next(one for one in kinesis._streams._data.values() if one["StreamARN"] == source)  # noqa: SLF001
        for mapping in _readers(source):
            _go_back(mapping, stream, number)
    return processed and not _failed


def expire(stream: Mapping[str, Any]) -> None:
    """Removes expired records; the readers of the stream keep their positions."""
    before = {shard_id: list(shard["records"]) for shard_id, shard in stream["shards"].items()}
    _expire(stream)
    for mapping in _readers(stream["StreamARN"]):
        positions = lambda_svc._kinesis_positions.get(mapping["UUID"], {})  # noqa: SLF001
        for shard_id, shard in stream["shards"].items():
            if shard_id in positions:
                kept = {record["SequenceNumber"] for record in shard["records"]}
                read = before[shard_id][: positions[shard_id]]
                positions[shard_id] = sum(record["SequenceNumber"] in kept for record in read)


def _readers(source: str) -> list[dict[str, Any]]:
    return [one for one in lambda_svc._esms._data.values() if one["EventSourceArn"] == source]  # noqa: SLF001


def _go_back(mapping: dict[str, Any], stream: Mapping[str, Any], number: int) -> None:
    positions = lambda_svc._kinesis_positions[mapping["UUID"]]  # noqa: SLF001
    for shard_id, shard in stream["shards"].items():
        for index, record in enumerate(shard["records"]):
            if int(record["SequenceNumber"]) == number:
                positions[shard_id] = min(positions[shard_id], index)
                lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + _WAIT  # noqa: SLF001


def _failures(body: Any) -> list[dict[str, str]]:
    answer = json.loads(body) if isinstance(body, str | bytes) and body else body
    found: list[dict[str, str]] = answer.get("batchItemFailures", []) if isinstance(answer, dict) else []
    return found
