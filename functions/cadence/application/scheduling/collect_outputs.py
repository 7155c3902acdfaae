"""Makes the values of a group from those of its instances."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import ValueStore
from cadence.application.shared.storage import RunStorage
from cadence.application.shared.value_ports import Chunks, ValueRetentionStore
from cadence.domain.pipelines.specification import OutputSpec, TreatmentSpec, port_of_instances
from cadence.domain.runs.run import Treatment, Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound, TooLarge
from cadence.domain.values.stream import MAX_CHUNK
from cadence.domain.values.value_retention import IncompatibleRetention, ValueRetention, bucket_of, together

LARGEST_VALUE = 32 * 1024 * 1024
LARGEST_STREAM = 16 * 1024 * 1024 * 1024
_PREVIEW = 4096


class CannotCollect(Exception):
    """The instances' values make no value of the group; the message says why."""


@dataclass(frozen=True)
class CollectOutputs:
    """Collects the outputs of instances into the outputs of their group."""

    values: ValueStore
    chunks: Chunks
    retentions: ValueRetentionStore
    storage: RunStorage
    clock: Clock

    def collect(self, group: Treatment, spec: TreatmentSpec, instances: Sequence[Treatment]) -> Sequence[Value]:
        """Returns one value for each output that is not void, and writes its content.

        The values come from the instances that succeeded, in their order. Safe to repeat: the same content is written
        again, and counts again in the storage of the project. Raises CannotCollect.
        """
        names = [instance.name for instance in instances if instance.state is TreatmentState.SUCCEEDED]
        outputs = [output for output in spec.outputs if output.type != "void"]
        parts = {output.port: self._parts(group, output, names) for output in outputs}
        retention = self._retention(group, [part for values in parts.values() for part in values])
        return [self._value(group, output, parts[output.port], retention) for output in outputs]

    def _parts(self, group: Treatment, output: OutputSpec, names: Sequence[str]) -> Sequence[Value]:
        port = port_of_instances(output.port)
        return self.values.get_values(group.run_id, [(name, port) for name in names])

    def _retention(self, group: Treatment, parts: Sequence[Value]) -> ValueRetention | None:
        """Returns the retention that satisfies those of all parts, and notes it for the group."""
        try:
            retention = together(part.retention for part in parts)
        except IncompatibleRetention as error:
            raise CannotCollect(f"what its instances sent cannot be put together: {error}") from None
        if retention:
            self.retentions.note(group.run_id, group.name, group.attempt, retention)
        return retention

    def _value(
        self, group: Treatment, output: OutputSpec, parts: Sequence[Value], retention: ValueRetention | None
    ) -> Value:
        port = port_of_instances(output.port)
        size = sum(part.size for part in parts)
        streams = all(part.flow == "stream" for part in parts) and output.flow == "stream"
        largest = LARGEST_STREAM if streams else LARGEST_VALUE
        if size > largest:
            raise CannotCollect(
                f"output {port} of its instances has {size:,} bytes in all, at most {largest:,} can be gathered"
            )
        if streams:
            content: Iterable[bytes] = self.chunks.read_whole([key for part in parts for key in part.chunk_keys])
            previews: Iterable[bytes] = _previews(parts)
        else:
            encode = _as_lines if output.flow == "stream" else _as_list
            content = encode(port, parts, self._contents(parts))
            previews = encode(port, parts, _previews(parts), strict=False)
        try:
            return self._write(group, output, content, b"" if retention else _beginning(previews), retention)
        except TooLarge as error:
            raise CannotCollect(f"output {port} of its instances cannot be kept: {error.message}") from error
        except NotFound as error:
            raise CannotCollect(f"output {port} of an instance is no longer kept: {error.message}") from error

    def _contents(self, parts: Sequence[Value]) -> Iterator[bytes]:
        chunks = self.chunks.read_whole([key for part in parts for key in part.chunk_keys])
        for part in parts:
            yield b"".join(next(chunks) for _ in range(part.chunks))

    def _write(
        self,
        group: Treatment,
        output: OutputSpec,
        content: Iterable[bytes],
        preview: bytes,
        retention: ValueRetention | None,
    ) -> Value:
        digest, size, sequence = hashlib.sha256(), 0, 0
        prefix = ids.chunk_prefix(group.run_id, group.name, group.attempt, output.port, bucket_of(retention))
        for chunk in _rechunked(content):
            digest.update(chunk)
            size += len(chunk)
            self.storage.reserve(group.run_id, len(chunk))
            self.chunks.write(f"{prefix}{sequence:012}", chunk)
            sequence += 1
        self.chunks.write(f"{prefix}{sequence:012}", b"")
        return Value(
            run_id=group.run_id,
            treatment=group.name,
            port=output.port,
            flow=output.flow,
            type=output.type,
            sha256=digest.hexdigest(),
            size=size,
            chunks=sequence,
            attempt=group.attempt,
            preview=preview,
            created_at=self.clock(),
            retention=retention,
        )


def _previews(parts: Sequence[Value]) -> Iterator[bytes]:
    """Yields the previews of the parts, up to the first incomplete one. Previews are masked, the content is not."""
    for part in parts:
        yield part.preview
        if part.size > len(part.preview):
            return


def _beginning(pieces: Iterable[bytes]) -> bytes:
    beginning = b""
    for piece in pieces:
        beginning += piece
        if len(beginning) >= _PREVIEW:
            break
    return beginning[:_PREVIEW]


def _as_list(port: str, parts: Sequence[Value], contents: Iterable[bytes], *, strict: bool = True) -> Iterator[bytes]:
    yield b"["
    for number, (part, content) in enumerate(zip(parts, contents, strict=strict)):
        text = _text(port, part, content, strict=strict)
        item = json.dumps(text, ensure_ascii=False) if part.type == "string" else text
        yield (", " if number else "").encode() + item.encode()
    yield b"]"


def _as_lines(port: str, parts: Sequence[Value], contents: Iterable[bytes], *, strict: bool = True) -> Iterator[bytes]:
    for part, content in zip(parts, contents, strict=strict):
        text = _text(port, part, content, strict=strict)
        if strict and "\n" in text:
            raise CannotCollect(
                f"output {port} of {part.treatment} has several lines, and a stream has one value per line"
            )
        yield text.encode() + b"\n"


def _text(port: str, part: Value, content: bytes, *, strict: bool) -> str:
    """Returns a string's text without its line end; for any other type the JSON value on one line."""
    try:
        text = content.decode()
        if part.type == "string":
            return text.removesuffix("\n")
        value = json.loads(text)
    except ValueError as error:
        if strict:
            raise CannotCollect(f"output {port} of {part.treatment} is no {part.type}: {error}") from error
        return content.decode(errors="replace")
    return text.strip() if "\n" not in text.strip() else json.dumps(value, ensure_ascii=False)


def _rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the same bytes in chunks of the largest size: each small chunk would be one request of every reader."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= MAX_CHUNK:
            yield bytes(waiting[:MAX_CHUNK])
            del waiting[:MAX_CHUNK]
    if waiting:
        yield bytes(waiting)
