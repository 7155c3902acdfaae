"""What the connections of treatments with `matrix` or `each` carry: their values are those of all instances together."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.types import DataType, Flow, Vec
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS, Port
from cadence.domain.pipelines.document.treatments.matrix import axes

Carried = tuple[tuple[Flow, DataType], ...]
"""The ways in which values may pass; one of the producer's has to be one of the consumer's."""


def each_input(body: Mapping[str, Any]) -> str | None:
    """The input whose elements become instances."""
    each = body.get("each")
    name = mapping(each).get("input") if isinstance(each, dict) else each
    return name if isinstance(name, str) else None


def is_group(body: Mapping[str, Any]) -> bool:
    return "matrix" in body or "each" in body


def paired(producer: Mapping[str, Any], consumer: Mapping[str, Any]) -> bool:
    """Whether the consumer's instances are connected each to those of the producer that have the same values."""
    shared = set(axes(mapping(producer.get("matrix"))))
    return bool(shared) and shared <= set(axes(mapping(consumer.get("matrix"))))


def given(producer: DraftTreatment, port: Port, consumer: DraftTreatment) -> Carried:
    """How a consumer may have what an output gives: of a group, a list of the instances' values or one after another."""
    if port.name in BUILTIN_OUTPUTS or not is_group(producer.body) or paired(producer.body, consumer.body):
        return ((port.flow, port.type),)
    if port.flow is Flow.BLOCK:
        return ((Flow.BLOCK, Vec(port.type)), (Flow.STREAM, port.type))
    return ((Flow.STREAM, port.type),)


def taken(consumer: DraftTreatment, port: Port) -> Carried:
    """What may feed an input: the one of `each` takes a list or a stream, element by element."""
    if each_input(consumer.body) == port.name:
        return ((Flow.BLOCK, Vec(port.type)), (Flow.STREAM, port.type))
    return ((port.flow, port.type),)


def told(carried: Carried) -> str:
    return " or ".join(f"{flow.capitalize()}<{data_type}>" for flow, data_type in carried)
