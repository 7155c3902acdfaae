"""Determines the types on connections of groups (treatments with `matrix` or `each`), which join instances' values."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.types import DataType, Flow, Vec
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping
from cadence.domain.pipelines.document.pipeline import BUILTIN_OUTPUTS, Port
from cadence.domain.pipelines.document.treatments.matrix import axes

Carried = tuple[tuple[Flow, DataType], ...]
"""The possible flows and types of a port; one of the producer's has to be one of the consumer's."""


def each_input(body: Mapping[str, Any]) -> str | None:
    """Returns the input whose elements become instances; None without `each`."""
    each = body.get("each")
    name = mapping(each).get("input") if isinstance(each, dict) else each
    return name if isinstance(name, str) else None


def is_group(body: Mapping[str, Any]) -> bool:
    """Whether the treatment has instances."""
    return "matrix" in body or "each" in body


def paired(producer: Mapping[str, Any], consumer: Mapping[str, Any]) -> bool:
    """Whether each of the consumer's instances is connected to the producer's instance with the same values."""
    shared = set(axes(mapping(producer.get("matrix"))))
    return bool(shared) and shared <= set(axes(mapping(consumer.get("matrix"))))


def given(producer: DraftTreatment, port: Port, consumer: DraftTreatment) -> Carried:
    """Returns the possible flows and types of an output: a group gives a list of its instances' values, or a stream."""
    if port.name in BUILTIN_OUTPUTS or not is_group(producer.body) or paired(producer.body, consumer.body):
        return ((port.flow, port.type),)
    if port.flow is Flow.BLOCK:
        return ((Flow.BLOCK, Vec(port.type)), (Flow.STREAM, port.type))
    return ((Flow.STREAM, port.type),)


def taken(consumer: DraftTreatment, port: Port) -> Carried:
    """Returns the possible flows and types of an input: that of `each` takes the elements of a list or a stream."""
    if each_input(consumer.body) == port.name:
        return ((Flow.BLOCK, Vec(port.type)), (Flow.STREAM, port.type))
    return ((port.flow, port.type),)


def told(carried: Carried) -> str:
    """Returns the possible flows and types in words."""
    return " or ".join(f"{flow.capitalize()}<{data_type}>" for flow, data_type in carried)
