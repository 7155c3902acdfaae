"""Traces what Cadence itself derives: instances from the elements of a value, a group's values from its instances'."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadence.application.provenance.mapping import Mapped
from cadence.application.provenance.steps import Tracing
from cadence.domain.pipelines.specification import (
    InputSpec,
    OutputSpec,
    TreatmentKind,
    TreatmentSpec,
    port_of_instances,
)
from cadence.domain.provenance.graph import Basis, Node, ValuePart
from cadence.domain.runs.run import Value
from cadence.domain.scheduling.group import instance_name

_AT_ONCE = 100

Gathered = tuple[tuple[str, str, Mapped], str | None]
"""An instance, its port and the part of that port's value; and a note."""


@dataclass(frozen=True, kw_only=True)
class ElementSource:
    """The value for whose element number `index` (from 0) an instance was created."""

    tracing: Tracing
    run_id: str
    treatment: str
    port: str
    flow: str
    index: int

    @classmethod
    def of(cls, tracing: Tracing, run_id: str, spec: TreatmentSpec, input_spec: InputSpec) -> "ElementSource | None":
        """Returns the source of an instance's input; None if the input is not its group's element."""
        group = tracing.known.spec(run_id, spec.group) if spec.group else None
        if group is None or group.kind is not TreatmentKind.EACH or input_spec.port != group.each:
            return None
        fed = next((port for port in group.inputs if port.port == group.each), None)
        if fed is None or fed.source_treatment is None or fed.source_port is None:
            return None
        number = int(spec.name.rpartition(":")[2])
        return cls(
            tracing=tracing,
            run_id=run_id,
            treatment=fed.source_treatment,
            port=fed.source_port,
            flow=fed.flow,
            index=number,
        )

    def element(self) -> tuple[ValuePart | None, str]:
        """Returns the element's part of the value, if that can be read, and a note."""
        note = f"element {self.index + 1}"
        value = self.tracing.known.value(self.run_id, self.treatment, self.port)
        if value is None:
            return None, note
        if self.flow == "stream":
            lines = self.tracing.contents.lines(value)
            return (lines.part(self.index) if lines and self.index < len(lines) else None), note
        parts = list_parts(self.tracing, value)
        return (parts[self.index] if parts and self.index < len(parts) else None), note


def instance_names(tracing: Tracing, run_id: str, spec: TreatmentSpec) -> Sequence[str]:
    """Returns the names of a group's instances, in order."""
    if spec.kind is TreatmentKind.GATHER:
        return spec.instances
    count = tracing.known.stores.groups.get_growth(run_id, spec.name).made
    return [instance_name(spec.name, number) for number in range(count)]


def gathered_from(tracing: Tracing, node: Node, spec: TreatmentSpec) -> Sequence[Gathered]:
    """Returns the instances' values from which the output `node.port` of the group was made.

    If the node has a part, only the value that the part is from is returned.
    """
    output = next((declared for declared in spec.outputs if declared.port == node.port), None)
    if output is None or output.type == "void":
        return ()
    names = instance_names(tracing, node.id.run_id, spec)
    port = port_of_instances(output.port)
    value = tracing.known.value(node.id.run_id, spec.name, output.port)
    if node.part is not None and value is not None:
        instance = _instance_at(tracing, node.id.run_id, names, output, value, node.part)
        if instance is not None:
            name, part = instance
            return [((name, port, Mapped(Basis.CONSTRUCTED, part)), None)]
    return [((name, port, Mapped(Basis.CONSTRUCTED)), None) for name in names]


def list_parts(tracing: Tracing, value: Value) -> Sequence[ValuePart] | None:
    """Returns the parts of a JSON list's items; None if the value is no list, or cannot be read."""
    content = tracing.contents.whole(value)
    try:
        text = content.decode() if content is not None else ""
        return list(_items(text))
    except (ValueError, IndexError, RecursionError):
        return None


def _instance_at(
    tracing: Tracing, run_id: str, names: Sequence[str], output: OutputSpec, value: Value, part: ValuePart
) -> tuple[str, ValuePart | None] | None:
    port = port_of_instances(output.port)
    values = _values_in_order(tracing, run_id, names, port)
    if output.flow != "stream":
        items = list_parts(tracing, value) or ()
        index = next(
            (at for at, item in enumerate(items) if item.offset <= part.offset < item.offset + item.length), None
        )
        return _nth(values, index)
    first = next(values, None)
    if first is not None and first.flow == "block":
        index = None if part.line is None else part.line - 1
        return (first.treatment, None) if index == 0 else _nth(values, None if index is None else index - 1)
    return _in_concatenation(tracing, first, values, part)


def _in_concatenation(
    tracing: Tracing, first: Value | None, values: Iterator[Value], part: ValuePart
) -> tuple[str, ValuePart | None] | None:
    """Returns the instance whose stream has the part: the instances' streams follow one another, byte by byte."""
    begin = 0
    current = first
    while current is not None:
        if begin <= part.offset < begin + current.size:
            return current.treatment, tracing.mapping.located(current, part.offset - begin)
        begin += current.size
        current = next(values, None)
    return None


def _values_in_order(tracing: Tracing, run_id: str, names: Sequence[str], port: str) -> Iterator[Value]:
    """Yields the values of the instances that succeeded; others have none."""
    for first in range(0, len(names), _AT_ONCE):
        batch = names[first : first + _AT_ONCE]
        tracing.known.load_values((run_id, name, port) for name in batch)
        for name in batch:
            value = tracing.known.value(run_id, name, port)
            if value is not None:
                yield value


def _nth(values: Iterator[Value], index: int | None) -> tuple[str, ValuePart | None] | None:
    if index is None:
        return None
    value = next((value for at, value in enumerate(values) if at == index), None)
    return (value.treatment, None) if value else None


def _items(text: str) -> Iterator[ValuePart]:
    """Yields the parts of a JSON list's items. Raises ValueError or IndexError for any other text."""
    decoder = json.JSONDecoder()
    place = _past_space(text, 0)
    if text[place] != "[":
        raise ValueError("no list")
    place = _past_space(text, place + 1)
    offset, counted = len(text[:place].encode()), place
    while text[place] != "]":
        _, end = decoder.raw_decode(text, place)
        offset += len(text[counted:place].encode())
        length = len(text[place:end].encode())
        yield ValuePart(offset, length)
        offset, counted = offset + length, end
        place = _past_space(text, end)
        if text[place] == ",":
            place = _past_space(text, place + 1)


def _past_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place
