"""Checks that what a run stores of a document fits into the table's items, of which none may exceed 400 KB."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.document.draft import Draft, mapping
from cadence.domain.document.findings import Code, Problem

MAX_TREATMENT_BYTES = 300_000
MAX_PARAMETERS_BYTES = 100_000
_KEPT = ("run", "env", "services", "volumes", "cache", "trigger")
# As JSON, one character takes 12 bytes at most.
_CERTAINLY_SMALL = MAX_TREATMENT_BYTES // 12


def check_sizes(draft: Draft) -> Iterator[Problem]:
    """A treatment's script, variables, services, caches and literals are stored together."""
    for treatment in draft.bodies():
        kept = {key: treatment.body[key] for key in _KEPT if key in treatment.body}
        literals = [given for given in mapping(treatment.body.get("inputs")).values() if isinstance(given, dict)]
        if literals:
            kept["inputs"] = literals
        if _characters(kept) > _CERTAINLY_SMALL and (size := stored_size(kept)) > MAX_TREATMENT_BYTES:
            parts = " and ".join(kept)
            yield treatment.problem(
                Code.WRONG_SIZE,
                f"{parts} of {treatment.words} take {size:,} bytes as JSON, {MAX_TREATMENT_BYTES:,} at most are possible.",
                (),
                "Keep long scripts in the repository.",
                at_key=True,
            )


def stored_size(value: Any) -> int:
    return len(json.dumps(value))


def _characters(kept: Mapping[str, Any]) -> int:
    variables = mapping(kept.get("env"))
    if kept.keys() - {"run", "env"}:
        return MAX_TREATMENT_BYTES
    return len(str(kept.get("run"))) + sum(len(str(name)) + len(str(value)) for name, value in variables.items())
