"""Divides a suite between the instances of a matrix: gives each the number of its share."""

from collections.abc import Sequence
from dataclasses import replace

from cadence.domain.pipelines.document.treatments.matrix import values_key
from cadence.domain.pipelines.specification import TreatmentSpec


def with_shares(specs: Sequence[TreatmentSpec], by: str | None) -> list[TreatmentSpec]:
    """Returns the instances with their shares.

    Instances that differ only in the axis `by` run one suite together; without it, all instances do. An instance that
    is skipped from the start gets no share.
    """
    suites: dict[str, list[int]] = {}
    for place, spec in enumerate(specs):
        if spec.split is not None and spec.never is None:
            others = sorted(axis for axis in spec.matrix if axis != by) if by else []
            suites.setdefault(values_key(spec.matrix, others), []).append(place)
    divided = list(specs)
    for places in suites.values():
        for index, place in enumerate(places):
            split = specs[place].split
            if split is not None:
                divided[place] = replace(specs[place], split=replace(split, index=index, count=len(places)))
    return divided
