"""Withholds secrets from the runs of pull requests from forks, whose commits may come from anyone.

A document that a treatment of such a run sends is a fork's document, too, and is not run.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.triggers.git_events import from_fork

WITHHELD = "secrets are not given to pull requests from forks"
NOT_RUN = "documents that a treatment sends are not run for pull requests from forks"


def withhold(specs: Iterable[TreatmentSpec], event: Mapping[str, Any]) -> tuple[TreatmentSpec, ...]:
    """Returns the treatments of a run.

    In a run for a fork, those with secrets, registries or an identity token are skipped from the start, as are those
    that run a document which another treatment sends.
    """
    return tuple(_withheld(spec) for spec in specs) if from_fork(event) else tuple(specs)


def _withheld(spec: TreatmentSpec) -> TreatmentSpec:
    if spec.instance is not None:
        spec = dataclasses.replace(spec, instance=_withheld(spec.instance))
    if spec.trigger is not None and spec.trigger.document is not None and spec.never is None:
        return dataclasses.replace(spec, never=NOT_RUN)
    given = spec.secrets or spec.registries or spec.id_token
    needs_secrets = given or (spec.instance is not None and spec.instance.never == WITHHELD)
    return dataclasses.replace(spec, never=WITHHELD) if needs_secrets and spec.never is None else spec
