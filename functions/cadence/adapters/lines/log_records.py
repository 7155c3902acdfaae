"""Log lines as Kinesis records, written by the gateway and read by the indexer.

A batch of lines is compact JSON. A block of lines is `magic, length of the head, head, packed texts`, where the head is
compact JSON, too: the gateway need not touch its lines. Of lines that are kept in the bucket of a pool, the record has
the address of an object there with either, and no text.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from itertools import repeat
from typing import Any

from cadence.application.logs.ports import LogBatch, LogLine, SentBlock
from cadence.domain.logs.line_block import LineBlock, LineSpan
from cadence.domain.shared.errors import InvalidRequest

# Below the 1 MiB that a record may have, its partition key included.
LARGEST = 900_000
_RARE = ("track", "step")
_REFERENCE = b'{"sent_lines":'
# No JSON begins like that.
_MAGIC = b"cdlines2"
_PREFIX = struct.Struct("<8sI")


def encode(batch: LogBatch) -> bytes:
    record = {**_sender(batch), "lines": [_line(line) for line in batch.lines]}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _sender(sent: LogBatch | SentBlock) -> dict[str, object]:
    return {
        "run": sent.run_id,
        "runner": sent.runner_id,
        "treatment": sent.treatment,
        "attempt": sent.attempt,
        "pool": sent.pool,
    }


def _batch(described: Mapping[str, Any], lines: Sequence[LogLine]) -> LogBatch:
    """Returns lines of the sender that `_sender` described. Raises KeyError, TypeError, ValueError."""
    return LogBatch(
        run_id=str(described["run"]),
        runner_id=str(described["runner"]),
        treatment=str(described["treatment"]),
        attempt=int(described["attempt"]),
        lines=lines,
        pool=described.get("pool"),
    )


def _line(line: LogLine) -> tuple[object, ...]:
    """Returns the line's fields without the rare ones at the end that it does not have."""
    fields: tuple[object, ...] = tuple(line)
    while fields[-1] is None:
        fields = fields[:-1]
    return fields


def decode(data: bytes) -> LogBatch:
    """Returns the batch. Raises InvalidRequest if `data` is not a record of log lines."""
    if data.startswith(_MAGIC):
        return _decode_block(data)
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
        return _batch(record, lines)
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


def encode_block(sent: SentBlock) -> bytes:
    """Returns a block as a record, which is never too large for one."""
    head = {
        **_sender(sent),
        "first": sent.block.first,
        "spans": [astuple(span) for span in sent.block.spans],
    }
    described = json.dumps(head, separators=(",", ":")).encode()
    return _PREFIX.pack(_MAGIC, len(described)) + described + sent.block.packed


def _decode_block(data: bytes) -> LogBatch:
    try:
        end = _PREFIX.size + _PREFIX.unpack_from(data)[1]
        head = json.loads(data[_PREFIX.size : end])
        spans = [
            LineSpan(
                lines=int(lines),
                size=int(size),
                time=str(time),
                stream=str(stream),
                level=str(level),
                continued=bool(continued),
                step=step,
            )
            for lines, size, time, stream, level, continued, step in head["spans"]
        ]
        block = LineBlock(int(head["first"]), spans, data[end:])
        return _batch(head, _lines(block))
    except (ValueError, TypeError, KeyError, AttributeError, struct.error) as error:
        raise InvalidRequest("This is no record of log lines.") from error


def _lines(block: LineBlock) -> list[LogLine]:
    lines: list[LogLine] = []
    seq = block.first
    for span, texts in zip(block.spans, block.texts(), strict=True):
        numbers = range(seq, seq + span.lines)
        same = map(repeat, (span.time, span.stream, span.level))
        lines += map(LogLine, numbers, *same, texts, repeat(span.continued), repeat(None), repeat(span.step))
        seq += span.lines
    return lines
