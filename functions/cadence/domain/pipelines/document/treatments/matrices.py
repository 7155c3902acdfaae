"""Checks matrices as far as they are known before a run: their parts, and the number of their instances."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.treatments.matrix import (
    MOST_BEFORE_EXCLUSION,
    Combination,
    MatrixError,
    axes,
    combinations,
)
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

MAX_TREATMENTS = 10_000
"""Treatments of a run, including instances."""
_MOST_LOOKED_AT = 10 * MAX_TREATMENTS


def check_matrices(draft: Draft, problems: Problems) -> Mapping[str, Sequence[Combination]]:
    """Returns the combinations of each matrix that is known before a run. Adds what is wrong to `problems`.

    A matrix with expressions is checked again when a run starts.
    """
    known: dict[str, Sequence[Combination]] = {}
    total = len(draft.treatments)
    looked_at = 0
    for treatment in draft.treatments.values():
        matrix = treatment.body.get("matrix")
        if not isinstance(matrix, dict):
            continue
        problems.add_all(_unknown_axes(treatment, matrix, problems))
        if total > MAX_TREATMENTS or looked_at > _MOST_LOOKED_AT:
            continue
        if _is_usable(matrix) and not holds_expressions(matrix):
            known[treatment.name] = combined = _combinations(treatment, matrix, problems)
            total += len(combined)
            product = math.prod(len(matrix[name]) for name in axes(matrix))
            looked_at += product if product <= MOST_BEFORE_EXCLUSION else 0
    if looked_at > _MOST_LOOKED_AT:
        message = f"The matrices have more than {_MOST_LOOKED_AT:,} combinations together before `exclude`."
        problems.add(
            DocumentProblem(
                code=Code.TOO_MANY_TREATMENTS,
                message=message,
                path=("treatments",),
                hint="Make matrices smaller.",
                at_key=True,
            )
        )
    elif total > MAX_TREATMENTS:
        problems.add(too_many(total))
    return known


def too_many(total: int) -> DocumentProblem:
    """Returns the problem of a run with more than `MAX_TREATMENTS`."""
    message = (
        f"With the instances of matrices there are at least {total:,} treatments, {MAX_TREATMENTS:,} are possible."
    )
    return DocumentProblem(
        code=Code.TOO_MANY_TREATMENTS, message=message, path=("treatments",), hint="Make matrices smaller.", at_key=True
    )


def _combinations(treatment: DraftTreatment, matrix: dict[str, Any], problems: Problems) -> Sequence[Combination]:
    try:
        combined = combinations(matrix)
    except MatrixError as error:
        code = Code.MATRIX_TOO_LARGE if error.size else Code.BAD_MATRIX
        path = (*treatment.path, "matrix", *error.key)
        message = f"The matrix of {shown(treatment.name)} cannot be used. {error.message}"
        problems.add(
            DocumentProblem(
                code=code, message=message, path=path, hint="Use fewer values, or exclude some.", at_key=True
            )
        )
        return ()
    if not combined:
        message = f"The matrix of {shown(treatment.name)} has no combinations."
        path = (*treatment.path, "matrix")
        problems.add(
            DocumentProblem(
                code=Code.BAD_MATRIX, message=message, path=path, hint="Exclude less, or add an axis.", at_key=True
            )
        )
    return combined


def _is_usable(matrix: dict[str, Any]) -> bool:
    """Whether a matrix has the shape that the schema requires (else the schema reports it)."""
    lists = [matrix[name] for name in axes(matrix)]
    entries = [matrix.get(key, []) for key in ("include", "exclude")]
    return all(isinstance(part, list) for part in [*lists, *entries]) and all(
        isinstance(entry, dict) for part in entries for entry in part
    )


def _unknown_axes(treatment: DraftTreatment, matrix: dict[str, Any], problems: Problems) -> Iterator[DocumentProblem]:
    known = axes(matrix)
    excluded = matrix.get("exclude")
    for index, entry in enumerate(excluded if isinstance(excluded, list) else ()):
        for name in mapping(entry):
            if name not in known:
                path = (*treatment.path, "matrix", "exclude", index, name)
                message = f"The matrix of {shown(treatment.name)} has no axis {shown(name)} to exclude by."
                yield DocumentProblem(
                    code=Code.BAD_MATRIX,
                    message=message,
                    path=path,
                    hint=suggestion(name, known, problems),
                    at_key=True,
                )
