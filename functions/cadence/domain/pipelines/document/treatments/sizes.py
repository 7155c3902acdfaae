"""Checks that what a run stores of a document fits into the table's items, of which none may exceed 400 KB."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem

MAX_TREATMENT_BYTES = 300_000
MAX_PARAMETERS_BYTES = 100_000
_KEPT = ("run", "env", "services", "volumes", "cache", "trigger", "melodium")
_NESTED = frozenset(_KEPT) - {"run", "env"}
_MOST_BYTES = 12
"""That one character takes as JSON."""


def check_sizes(draft: Draft) -> Iterator[DocumentProblem]:
    """A treatment's script, variables, services, caches and literals are stored together."""
    for treatment in draft.bodies():
        if _certainly_small(treatment.body):
            continue
        kept = {key: treatment.body[key] for key in _KEPT if key in treatment.body}
        literals = [given for given in mapping(treatment.body.get("inputs")).values() if isinstance(given, dict)]
        if literals:
            kept["inputs"] = literals
        if (size := stored_size(kept)) > MAX_TREATMENT_BYTES:
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


def _certainly_small(body: Mapping[str, Any]) -> bool:
    """Seen without writing it out, as most are."""
    if not body.keys().isdisjoint(_NESTED) or any(
        type(given) is dict for given in mapping(body.get("inputs")).values()
    ):
        return False
    characters = len(str(body.get("run", "")))
    for name, value in mapping(body.get("env")).items():
        characters += len(name) + len(str(value))
    return characters < MAX_TREATMENT_BYTES // _MOST_BYTES
