"""Pull requests from forks: anybody may have written their commits, so nothing secret is given to their runs."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.triggers.git_events import from_fork

WITHHELD = "secrets are not given to pull requests from forks"


def withhold(specs: Iterable[TreatmentSpec], event: Mapping[str, Any]) -> tuple[TreatmentSpec, ...]:
    """The treatments of a run; of a fork's run those with secrets are skipped from the start."""
    return tuple(_withheld(spec) for spec in specs) if from_fork(event) else tuple(specs)


def _withheld(spec: TreatmentSpec) -> TreatmentSpec:
    if spec.instance is not None:
        spec = dataclasses.replace(spec, instance=_withheld(spec.instance))
    has = spec.secrets or spec.registries or (spec.instance is not None and spec.instance.never == WITHHELD)
    return dataclasses.replace(spec, never=WITHHELD) if has and spec.never is None else spec
