"""Checks that what a run stores of a document fits into the table's items, of which none may exceed 400 KB."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.document.draft import Draft, mapping
from cadence.domain.document.findings import Code, Problem
from cadence.domain.document.wording import shown

MAX_TREATMENT_BYTES = 300_000
MAX_PARAMETERS_BYTES = 100_000
# As JSON, one character takes 12 bytes at most.
_CERTAINLY_SMALL = MAX_TREATMENT_BYTES // 12


def check_sizes(draft: Draft) -> Iterator[Problem]:
    """A treatment's script and variables are stored together."""
    for treatment in draft.treatments.values():
        kept = {"run": treatment.body.get("run"), "env": treatment.body.get("env")}
        if _characters(kept) > _CERTAINLY_SMALL and (size := stored_size(kept)) > MAX_TREATMENT_BYTES:
            yield Problem(
                Code.WRONG_SIZE,
                f"run and env of treatment {shown(treatment.name)} take {size:,} bytes as JSON, "
                f"{MAX_TREATMENT_BYTES:,} at most are possible.",
                treatment.path,
                "Keep long scripts in the repository.",
                at_key=True,
            )


def stored_size(value: Any) -> int:
    return len(json.dumps(value))


def _characters(kept: Mapping[str, Any]) -> int:
    variables = mapping(kept["env"])
    return len(str(kept["run"])) + sum(len(str(name)) + len(str(value)) for name, value in variables.items())
