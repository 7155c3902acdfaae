"""Events as they are kept between two steps: one JSON array a line, compressed.

Two sources of one event write the same line.
"""

import base64
import dataclasses
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cadence.adapters.engine_reports.pieces import ByteSource
from cadence.domain.melodium.events import (
    Built,
    Closed,
    CountedValues,
    Event,
    Finished,
    ModelsOver,
    Moved,
    SecretUsed,
    SentValues,
    Started,
    Track,
    TrackedTreatment,
    place_from,
)

_KINDS: tuple[type[Event], ...] = (
    Built,
    Started,
    Finished,
    SentValues,
    CountedValues,
    SecretUsed,
    Moved,
    Closed,
    Track,
    ModelsOver,
)
_TAGS = {kind.__name__: kind for kind in _KINDS}
_BLOCK = 1024 * 1024


def encode(event: Event) -> bytes:
    return msgspec.json.encode([type(event).__name__, *_fields(event)]) + b"\n"


def decode(line: bytes) -> Event:
    tag, *values = msgspec.json.decode(line)
    kind = _TAGS[tag]
    return kind(
        **{
            field.name: _read(kind, field.name, value)
            for field, value in zip(dataclasses.fields(kind), values, strict=True)
        }
    )


def lines(source: ByteSource) -> Iterator[bytes]:
    """Returns the lines without their ends."""
    unpacking, unfinished = zlib.decompressobj(), b""
    while block := source.read(_BLOCK):
        *complete, unfinished = (unfinished + unpacking.decompress(block)).split(b"\n")
        yield from complete
    *complete, _ = (unfinished + unpacking.flush()).split(b"\n")
    yield from complete


def digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=8).digest()


def _fields(event: Event) -> Sequence[Any]:
    values = (getattr(event, field.name) for field in dataclasses.fields(event))
    return [
        [getattr(value, field.name) for field in dataclasses.fields(value)]
        if isinstance(value, TrackedTreatment)
        else value
        for value in values
    ]


def _read(kind: type[Event], name: str, value: Any) -> Any:
    if name in ("place", "source", "target"):
        return place_from(value)
    if kind is SentValues and name == "content":
        return base64.b64decode(value)
    return value
