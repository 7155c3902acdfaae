"""What the formats share: times, compressed bodies, and requests of a bounded size."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from cadence.application.exports.ports import LogRecord
from cadence.domain.exports.export import StoredRequest

JSON = "application/json"

T = TypeVar("T")


def json_request(path: str, value: Any, headers: dict[str, str] | None = None) -> StoredRequest:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return StoredRequest(
        path=path, content_type=JSON, body=gzip.compress(body, 3, mtime=0), encoding="gzip", headers=headers or {}
    )


def compressed(path: str, message: bytes) -> StoredRequest:
    """Returns a protobuf message, compressed."""
    return StoredRequest(
        path=path, content_type="application/x-protobuf", body=gzip.compress(message, 3, mtime=0), encoding="gzip"
    )


def chunks(items: Iterable[T], most: int, most_bytes: int, size: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Splits in order, at most `most` at a time, and not much more than `most_bytes`."""
    chunk: list[T] = []
    weight = 0
    for item in items:
        chunk.append(item)
        weight += size(item)
        if len(chunk) >= most or weight >= most_bytes:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def line_size(record: LogRecord) -> int:
    return len(record.line["text"]) + 200


def nanoseconds(record: LogRecord) -> int:
    """Returns a line's time with its number in the last digits: times have milliseconds, and lines keep their order.

    Equal lines of one millisecond stay apart, and a line that is sent twice has the same time both times.
    """
    within: int = record.line["seq"] % 1_000_000
    return _since_epoch(record.line["time"]) * 1_000_000 + within


def milliseconds(record: LogRecord) -> int:
    return _since_epoch(record.line["time"])


def _since_epoch(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
