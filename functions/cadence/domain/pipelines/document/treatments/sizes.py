"""Checks that the parts of a document that a run stores fit into the table's items, which are at most 400 KB."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem

MAX_TREATMENT_BYTES = 300_000
MAX_PARAMETERS_BYTES = 100_000
_KEPT = ("run", "steps", "env", "services", "volumes", "cache", "reports", "trigger", "melodium")
_NESTED = frozenset(_KEPT) - {"run", "env"}
_MOST_BYTES = 12
"""Bytes that one character takes at most as JSON."""


def check_sizes(draft: Draft) -> Iterator[DocumentProblem]:
    """Yields a problem for each treatment whose stored parts (script, variables, services, …) are too large."""
    for treatment in draft.bodies():
        if _certainly_small(treatment.body):
            continue
        stored = {key: treatment.body[key] for key in _KEPT if key in treatment.body}
        literals = [
            declaration
            for declaration in mapping(treatment.body.get("inputs")).values()
            if isinstance(declaration, dict)
        ]
        if literals:
            stored["inputs"] = literals
        if (size := stored_size(stored)) > MAX_TREATMENT_BYTES:
            parts = " and ".join(stored)
            yield treatment.problem(
                Code.WRONG_SIZE,
                f"{parts} of {treatment.words} take {size:,} bytes as JSON, {MAX_TREATMENT_BYTES:,} at most are possible.",
                (),
                "Keep long scripts in the repository.",
                at_key=True,
            )


def stored_size(value: Any) -> int:
    """Returns the size of plain data as JSON (ASCII), in bytes."""
    return len(json.dumps(value))


def _certainly_small(body: Mapping[str, Any]) -> bool:
    """Whether a body is small, judged without writing it as JSON, which is enough for most."""
    if not body.keys().isdisjoint(_NESTED) or any(
        type(declaration) is dict for declaration in mapping(body.get("inputs")).values()
    ):
        return False
    characters = len(str(body.get("run", "")))
    for name, value in mapping(body.get("env")).items():
        characters += len(name) + len(str(value))
    return characters < MAX_TREATMENT_BYTES // _MOST_BYTES
