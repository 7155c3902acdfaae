"""Gives the treatments with `source` the files of a commit."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cadence.domain.pipelines.document.pipeline import Pipeline
from cadence.domain.pipelines.specification import (
    EVERYTHING,
    SOURCE_PORT,
    SourceSelection,
    StoredContent,
    TreatmentSpec,
)


def wants_source(pipeline: Pipeline) -> bool:
    """Returns whether any treatment of the pipeline has `source`."""
    return any(bool(treatment.body.get("source")) for treatment in pipeline.treatments.values())


def source_selection(source: Mapping[str, Any] | bool) -> SourceSelection | None:
    """Returns the selection of a valid `source`; None for `true`."""
    if isinstance(source, bool):
        return None
    return SourceSelection(
        paths=tuple(source.get("paths", ())),
        submodules=source.get("submodules", False),
        lfs=source.get("lfs", False),
    )


def sources_of(specs: Iterable[TreatmentSpec]) -> Mapping[SourceSelection, StoredContent]:
    """Returns the files that the treatments of a run receive, by selection."""
    found = {}
    for spec in specs:
        for port in spec.instance.inputs if spec.instance is not None else spec.inputs:
            if port.port == SOURCE_PORT and port.stored is not None:
                found[port.selection or EVERYTHING] = port.stored
    return found


def with_source(
    specs: Iterable[TreatmentSpec], stored: Callable[[SourceSelection], StoredContent]
) -> tuple[TreatmentSpec, ...]:
    """Returns the treatments; those with the input `SOURCE_PORT`, and their instances, receive files through it.

    `stored` returns the files of a selection.
    """
    return tuple(_with_source(spec, stored) for spec in specs)


def _with_source(spec: TreatmentSpec, stored: Callable[[SourceSelection], StoredContent]) -> TreatmentSpec:
    if spec.instance is not None:
        spec = dataclasses.replace(spec, instance=_with_source(spec.instance, stored))
    if all(port.port != SOURCE_PORT for port in spec.inputs):
        return spec
    inputs = (
        dataclasses.replace(port, stored=stored(port.selection or EVERYTHING)) if port.port == SOURCE_PORT else port
        for port in spec.inputs
    )
    return dataclasses.replace(spec, inputs=tuple(inputs))
