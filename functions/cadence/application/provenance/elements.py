"""What the platform itself made from what: instances from the elements of a value, a group's values from its instances'."""

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
"""An instance, its port and what of that; and words about it."""


@dataclass(frozen=True, kw_only=True)
class ElementSource:
    """The value whose element number `index` (from 0) an instance was made for."""

    its: Tracing
    run_id: str
    treatment: str
    port: str
    flow: str
    index: int

    @classmethod
    def of(cls, its: Tracing, run_id: str, spec: TreatmentSpec, given: InputSpec) -> "ElementSource | None":
        group = its.known.spec(run_id, spec.group) if spec.group else None
        if group is None or group.kind is not TreatmentKind.EACH or given.port != group.each:
            return None
        fed = next((port for port in group.inputs if port.port == group.each), None)
        if fed is None or fed.source_treatment is None or fed.source_port is None:
            return None
        number = int(spec.name.rpartition(":")[2])
        return cls(
            its=its, run_id=run_id, treatment=fed.source_treatment, port=fed.source_port, flow=fed.flow, index=number
        )

    def element(self) -> tuple[ValuePart | None, str]:
        """Where it is in the value, as far as that can be read, and words about it."""
        note = f"element {self.index + 1}"
        value = self.its.known.value(self.run_id, self.treatment, self.port)
        if value is None:
            return None, note
        if self.flow == "stream":
            lines = self.its.contents.lines(value)
            return (lines.part(self.index) if lines and self.index < len(lines) else None), note
        parts = list_parts(self.its, value)
        return (parts[self.index] if parts and self.index < len(parts) else None), note


def instance_names(its: Tracing, run_id: str, spec: TreatmentSpec) -> Sequence[str]:
    """Of a group, in order."""
    if spec.kind is TreatmentKind.GATHER:
        return spec.instances
    made = its.known.stores.groups.get_growth(run_id, spec.name).made
    return [instance_name(spec.name, number) for number in range(made)]


def gathered_from(its: Tracing, node: Node, spec: TreatmentSpec) -> Sequence[Gathered]:
    """The instances' values that the output `node.port` of the group was made from; only the one that its part is of, if it has one."""
    output = next((one for one in spec.outputs if one.port == node.port), None)
    if output is None or output.type == "void":
        return ()
    names = instance_names(its, node.id.run_id, spec)
    port = port_of_instances(output.port)
    value = its.known.value(node.id.run_id, spec.name, output.port)
    if node.part is not None and value is not None:
        found = _instance_at(its, node.id.run_id, names, output, value, node.part)
        if found is not None:
            name, part = found
            return [((name, port, Mapped(Basis.CONSTRUCTED, part)), None)]
    return [((name, port, Mapped(Basis.CONSTRUCTED)), None) for name in names]


def list_parts(its: Tracing, value: Value) -> Sequence[ValuePart] | None:
    """The places of a JSON list's items; None if it is none, or cannot be read."""
    content = its.contents.whole(value)
    try:
        text = content.decode() if content is not None else ""
        return list(_items(text))
    except (ValueError, IndexError, RecursionError):
        return None


def _instance_at(
    its: Tracing, run_id: str, names: Sequence[str], output: OutputSpec, value: Value, part: ValuePart
) -> tuple[str, ValuePart | None] | None:
    port = port_of_instances(output.port)
    values = _values_in_order(its, run_id, names, port)
    if output.flow != "stream":
        items = list_parts(its, value) or ()
        index = next(
            (at for at, item in enumerate(items) if item.offset <= part.offset < item.offset + item.length), None
        )
        return _nth(values, index)
    first = next(values, None)
    if first is not None and first.flow == "block":
        index = None if part.line is None else part.line - 1
        return (first.treatment, None) if index == 0 else _nth(values, None if index is None else index - 1)
    return _in_concatenation(its, first, values, part)


def _in_concatenation(
    its: Tracing, first: Value | None, values: Iterator[Value], part: ValuePart
) -> tuple[str, ValuePart | None] | None:
    """Streams of instances follow one another, byte by byte."""
    begin = 0
    current = first
    while current is not None:
        if begin <= part.offset < begin + current.size:
            return current.treatment, its.mapping.located(current, part.offset - begin)
        begin += current.size
        current = next(values, None)
    return None


def _values_in_order(its: Tracing, run_id: str, names: Sequence[str], port: str) -> Iterator[Value]:
    """Only instances that succeeded have any."""
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        its.known.load_values((run_id, name, port) for name in some)
        for name in some:
            value = its.known.value(run_id, name, port)
            if value is not None:
                yield value


def _nth(values: Iterator[Value], index: int | None) -> tuple[str, ValuePart | None] | None:
    if index is None:
        return None
    found = next((value for at, value in enumerate(values) if at == index), None)
    return (found.treatment, None) if found else None


def _items(text: str) -> Iterator[ValuePart]:
    """Raises ValueError or IndexError for what is no list."""
    decoder = json.JSONDecoder()
    place = _past_space(text, 0)
    if text[place] != "[":
        raise ValueError("no list")
    place = _past_space(text, place + 1)
    offset, told = len(text[:place].encode()), place
    while text[place] != "]":
        _, end = decoder.raw_decode(text, place)
        offset += len(text[told:place].encode())
        length = len(text[place:end].encode())
        yield ValuePart(offset, length)
        offset, told = offset + length, end
        place = _past_space(text, end)
        if text[place] == ",":
            place = _past_space(text, place + 1)


def _past_space(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place
