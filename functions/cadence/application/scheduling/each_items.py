"""Reads the elements of a value from which an `each` treatment makes instances, as far as they are known."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cadence.application.shared.run_ports import TreatmentStore, ValueStore
from cadence.application.shared.storage import RunStorage
from cadence.application.shared.value_ports import Chunks, StreamStates
from cadence.domain.pipelines.document.connections.types import DataType, Scalar, parse_data_type
from cadence.domain.pipelines.document.syntax.literals import mismatch
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runs.outcome_text import PAST
from cadence.domain.runs.run import Treatment, Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.group import LARGEST_ELEMENT, EachProgress
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound, TooLarge

_PIECE = 1024 * 1024
LARGEST_LIST = 32 * 1024 * 1024
# As JSON in the table, with what has to be escaped.
_LARGEST_STORED = 128 * 1024
_SHOWN = 80


class BadItem(Exception):
    """An element, or the whole value, cannot become instances; the message says which and why."""


class SourceBroke(Exception):
    """The producer will not send the rest; the message says why."""


@dataclass(frozen=True)
class Flowing:
    """A sequence of lines of which `chunks` chunks exist so far, addressed by `prefix` and their number.

    With `ended` there will be no more. `epoch` is the producer's attempt.
    """

    epoch: int
    chunks: int
    ended: bool
    prefix: str

    def key(self, sequence: int) -> str:
        """Returns the address of a chunk."""
        return f"{self.prefix}{sequence:012}"


@dataclass(frozen=True)
class EachItem:
    """One element. `line` is as it was sent; the next element begins at `offset` of chunk `sequence`."""

    line: bytes
    sequence: int
    offset: int


@dataclass(frozen=True)
class EachItems:
    """Reads the elements of an `each` treatment's value."""

    treatments: TreatmentStore
    values: ValueStore
    streams: StreamStates
    chunks: Chunks
    storage: RunStorage

    def source(self, group: Treatment, spec: TreatmentSpec) -> Flowing | None:
        """Returns where the elements are, None while nothing can be read.

        Raises SourceBroke, BadItem (the value is no list).
        """
        each_input = next(port for port in spec.inputs if port.port == spec.each)
        if each_input.source_treatment is None or each_input.source_port is None:
            return self._listed(group, each_input.literal or "[]")
        producer = self.treatments.get_treatment(group.run_id, each_input.source_treatment)
        if producer.retention:
            raise BadItem(
                f"{producer.retention.reason}, and each element of {producer.name}.{each_input.source_port} would be kept with the "
                "run: process its elements inside of a treatment"
            )
        if producer.state is TreatmentState.SUCCEEDED:
            value = self.values.get_value(group.run_id, producer.name, each_input.source_port)
            if each_input.flow == "block":
                return self._listed(group, None, value)
            return Flowing(producer.attempt, value.chunks, True, value.chunk_prefix)
        if producer.state.final:
            raise SourceBroke(f"{producer.name} {PAST[producer.state]} before it had sent all elements")
        if each_input.flow == "block" or producer.state is not TreatmentState.RUNNING:
            return None
        runner = ids.runner_id(group.run_id, producer.name, producer.attempt)
        progress = self.streams.get_progress(runner, each_input.source_port)
        sent = progress.end.chunks if progress.end else progress.next_seq
        prefix = ids.chunk_prefix(group.run_id, producer.name, producer.attempt, each_input.source_port)
        # It has ended only when its producer has settled: until then the producer may begin anew.
        return Flowing(producer.attempt, sent, False, prefix)

    def after(self, source: Flowing, sequence: int, offset: int) -> Iterator[EachItem]:
        """Yields the elements from there on, as far as they exist. Raises BadItem for one that is too long."""
        line = b""
        while sequence < source.chunks:
            piece = self.chunks.read(source.key(sequence), offset, _PIECE)
            begin = 0
            while (end := piece.find(b"\n", begin)) >= 0:
                line += piece[begin:end]
                begin = end + 1
                _check_length(line)
                yield EachItem(line, sequence, offset + begin)
                line = b""
            line += piece[begin:]
            _check_length(line)
            if len(piece) < _PIECE:
                sequence, offset = sequence + 1, 0
            else:
                offset += len(piece)
        if line and source.ended:
            yield EachItem(line, sequence, offset)

    def literal(self, spec: TreatmentSpec, line: bytes) -> str:
        """Returns the text that is written into the instance's input. Raises BadItem."""
        each_input = next(port for port in spec.inputs if port.port == spec.each)
        assert spec.instance is not None
        instance_input = next(port for port in spec.instance.inputs if port.port == spec.each)
        text, value = _read(line, each_input, parse_data_type(instance_input.type))
        why = mismatch(value, parse_data_type(instance_input.type))
        if why is not None:
            raise BadItem(why)
        if len(json.dumps(text)) > _LARGEST_STORED:
            raise BadItem(f"it takes more than {_LARGEST_STORED:,} bytes as JSON")
        return text

    def _listed(self, group: Treatment, literal: str | None, value: Value | None = None) -> Flowing:
        """Stores the list's items as lines of JSON, so that finding the next ones does not require reading all."""
        prefix = ids.chunk_prefix(group.run_id, group.name, group.attempt, ".elements")  # no port has such a name
        try:
            self.chunks.read(f"{prefix}{0:012}", 0, 1)
        except NotFound:
            if literal is None:
                assert value is not None
                if value.size > LARGEST_LIST:
                    raise BadItem(
                        f"the list has {value.size:,} bytes, and at most {LARGEST_LIST:,} can be processed"
                    ) from None
                literal = b"".join(self.chunks.read_whole(value.chunk_keys)).decode(errors="replace")
            lines = _as_lines(literal)
            try:
                self.storage.reserve(group.run_id, len(lines))
            except TooLarge as error:
                raise BadItem(f"its items cannot be kept: {error.message}") from None
            self.chunks.write(f"{prefix}{0:012}", lines)
        return Flowing(1, 1, True, prefix)


def position(growth: EachProgress, source: Flowing) -> tuple[int, int]:
    """Returns the chunk and the offset of the next element, (0, 0) if the source is not the one read so far."""
    return (growth.sequence, growth.offset) if growth.epoch in {0, source.epoch} else (0, 0)


def quoted(line: bytes) -> str:
    """Returns an element as a message shows it, cut short."""
    text = line.decode(errors="replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _check_length(line: bytes) -> None:
    if len(line) > LARGEST_ELEMENT:
        raise BadItem(f"it has more than {LARGEST_ELEMENT:,} bytes: {quoted(line)}")


def _read(line: bytes, each_input: InputSpec, data_type: DataType) -> tuple[str, object]:
    """Returns the text for the instance's input, and the value that it stands for."""
    try:
        text = line.decode()
        if data_type is Scalar.STRING and each_input.flow == "stream":
            return text, text
        value = json.loads(text)
    except ValueError as error:
        raise BadItem(f"{quoted(line)} is no {data_type}: {error}") from error
    return (value if data_type is Scalar.STRING and isinstance(value, str) else text), value


def _as_lines(literal: str) -> bytes:
    """Returns each item on one line, as it was written unless that took several lines. Raises BadItem."""
    return b"".join(item.encode() + b"\n" for item in _items(literal.strip()))


def _items(text: str) -> Iterator[str]:
    if not text.startswith("["):
        raise BadItem("the value is no list")
    decoder, place = json.JSONDecoder(), _past_space(text, 1)
    try:
        while text[place] != "]":
            value, end = decoder.raw_decode(text, place)
            written = text[place:end]
            yield written if "\n" not in written else json.dumps(value, ensure_ascii=False)
            place = _past_space(text, end)
            if text[place] == ",":
                place = _past_space(text, place + 1)
            elif text[place] != "]":
                raise BadItem(f"the value is no list: something else than , or ] follows {quoted(written.encode())}")
    except (ValueError, IndexError, RecursionError) as error:
        raise BadItem(f"the value is no list: {error}") from error


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place
