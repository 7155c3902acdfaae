"""A batch of log lines as one Kinesis record: compact JSON, written by the gateway and read by the indexer.

Of lines that are kept in the bucket of a pool, the record has the address of an object there, and no text.
"""

import json
from collections.abc import Iterator
from dataclasses import astuple, replace

from cadence.application.logs.ports import LogBatch, LogLine
from cadence.domain.shared.errors import InvalidRequest

# Below the 1 MiB that a record may have, its partition key included.
LARGEST = 900_000
_RARE = ("track", "step")
_REFERENCE = b'{"sent_lines":'


def encode(batch: LogBatch) -> bytes:
    record = {
        "run": batch.run_id,
        "runner": batch.runner_id,
        "treatment": batch.treatment,
        "attempt": batch.attempt,
        "pool": batch.pool,
        "lines": [_line(line) for line in batch.lines],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _line(line: LogLine) -> tuple[object, ...]:
    """Returns the line's fields without the rare ones at the end that it does not have."""
    fields = astuple(line)
    while fields[-1] is None:
        fields = fields[:-1]
    return fields


def decode(data: bytes) -> LogBatch:
    """Returns the batch. Raises InvalidRequest if `data` is not a record of log lines."""
    try:
        record = json.loads(data.decode("utf-8", "surrogatepass"))
        lines = [
            LogLine(
                seq=int(seq),
                time=str(at),
                stream=str(stream),
                level=str(level),
                text=str(text),
                continued=bool(continued),
                **dict(zip(_RARE[: len(extra)], extra, strict=True)),
            )
            for seq, at, stream, level, text, continued, *extra in record["lines"]
        ]
        run_id, runner_id, treatment = str(record["run"]), str(record["runner"]), str(record["treatment"])
        return LogBatch(
            run_id=run_id,
            runner_id=runner_id,
            treatment=treatment,
            attempt=int(record["attempt"]),
            lines=lines,
            pool=record.get("pool"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidRequest("This is no record of log lines.") from error


def reference(address: str) -> bytes:
    """Returns a record that refers to an object with the encoded batch."""
    return _REFERENCE + json.dumps(address).encode() + b"}"


def address_of(data: bytes) -> str | None:
    """Returns the address that a record refers to; None if it has the lines itself."""
    if not data.startswith(_REFERENCE):
        return None
    try:
        return str(json.loads(data)["sent_lines"])
    except ValueError as error:
        raise InvalidRequest("This is no record of log lines.") from error


def split(batch: LogBatch) -> Iterator[tuple[LogBatch, bytes]]:
    """Returns the batch, or parts of it in order that each fit into one record."""
    data = encode(batch)
    if len(data) <= LARGEST or len(batch.lines) == 1:
        yield batch, data
        return
    middle = len(batch.lines) // 2
    yield from split(replace(batch, lines=batch.lines[:middle]))
    yield from split(replace(batch, lines=batch.lines[middle:]))
