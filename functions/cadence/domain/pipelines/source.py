"""Gives the treatments with `source: true` the files of a commit."""

import dataclasses
from collections.abc import Iterable

from cadence.domain.pipelines.document.pipeline import Pipeline
from cadence.domain.pipelines.specification import SOURCE_PORT, StoredContent, TreatmentSpec


def wants_source(pipeline: Pipeline) -> bool:
    """Returns whether any treatment of the pipeline has `source: true`."""
    return any(treatment.body.get("source") is True for treatment in pipeline.treatments.values())


def with_source(specs: Iterable[TreatmentSpec], stored: StoredContent) -> tuple[TreatmentSpec, ...]:
    """Returns the treatments; those with the input `SOURCE_PORT` receive `stored` through it, as do their instances."""
    return tuple(_with_source(spec, stored) for spec in specs)


def _with_source(spec: TreatmentSpec, stored: StoredContent) -> TreatmentSpec:
    if spec.instance is not None:
        spec = dataclasses.replace(spec, instance=_with_source(spec.instance, stored))
    if all(port.port != SOURCE_PORT for port in spec.inputs):
        return spec
    inputs = (dataclasses.replace(port, stored=stored) if port.port == SOURCE_PORT else port for port in spec.inputs)
    return dataclasses.replace(spec, inputs=tuple(inputs))
