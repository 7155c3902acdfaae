"""Plans treatments that are Mélodium programs: each program is checked at the start of the run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.pipelines.document.pipeline import UsedProgram
from cadence.domain.pipelines.document.syntax.literals import mismatch
from cadence.domain.pipelines.specification import TreatmentSpec

CHECK_SECONDS = 300


def checked_first(spec: TreatmentSpec) -> list[TreatmentSpec]:
    """Returns a treatment, preceded by one that only checks its program if the treatment has to wait for others.

    A treatment that waits for nothing checks its program itself, at the same moment.
    """
    waits = bool(spec.after or spec.when_over or any(port.source_treatment for port in spec.inputs))
    if not isinstance(spec.engine, ProgramSpec) or spec.never is not None or not waits:
        return [spec]
    check = TreatmentSpec(
        name=f"{spec.name}:check",
        engine=replace(spec.engine, check_only=True, parameters={}, types={}, secrets={}),
        pools=spec.pools,
        arch=spec.arch,
        residency=spec.residency,
        max_duration=CHECK_SECONDS,
        retry=replace(spec.retry, failure=0),
        offline=True,
        priority=spec.priority,
    )
    return [check, replace(spec, after=(*spec.after, check.name))]


def misfits(body: Mapping[str, Any], program: UsedProgram) -> Iterator[tuple[str, str]]:
    """Yields the parameters whose values do not have their types, and why."""
    for name, value in body.get("parameters", {}).items():
        why = mismatch(value, program.parameters[name])
        if why is not None:
            yield name, why
