"""Checks the reports of treatments: where their files are, and how a suite is split."""

from collections.abc import Iterator
from typing import Any

from cadence.domain.pipelines.document.connections.ports import path_fault
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.pipelines.document.treatments.expressions import treatments_named
from cadence.domain.pipelines.document.treatments.matrix import axes
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.pipelines.expression import read_template
from cadence.domain.shared.display import shown


def reports_problems(body: DraftTreatment) -> Iterator[DocumentProblem]:
    """Yields what is wrong with the `reports` of a body that has them."""
    reports = mapping(body.body["reports"])
    split = mapping(reports.get("split"))
    for place, words, keys in (
        (reports.get("junit"), "reports", ("reports", "junit")),
        (split.get("files"), "tests", ("reports", "split", "files")),
    ):
        fault = path_fault(place) if isinstance(place, str) else None
        if fault is not None:
            hint = "Write it relative to the working directory, without .."
            yield body.problem(Code.BAD_PATH, f"The path {shown(str(place))} of {words} {fault}.", keys, hint)
    if split and body.section == "treatments":
        yield from _split(body, split.get("by"))


def _split(body: DraftTreatment, by: Any) -> Iterator[DocumentProblem]:
    matrix = body.body.get("matrix")
    keys = ("reports", "split")
    if matrix is None:
        message = f"The suite of {body.words} is split, but there is no matrix whose instances divide it."
        hint = "Add a matrix: matrix: {part: [1, 2, 3]}."
        yield body.problem(Code.CONTRADICTION, message, keys, hint, at_key=True)
    elif isinstance(by, str) and isinstance(matrix, dict) and by not in axes(matrix):
        message = f"The matrix of {shown(body.name)} has no axis {shown(by)} to split by."
        yield body.problem(Code.BAD_MATRIX, message, (*keys, "by"), suggestion(by, axes(matrix)))
    if treatments_named(body.body) and _names_matrix(body.body["when"]):
        message = f"Instances of {shown(body.name)} may be skipped after the suite was split between them."
        hint = "Let the condition name either `matrix` or `treatments`."
        yield body.problem(Code.CONTRADICTION, message, ("when",), hint)


def _names_matrix(when: str) -> bool:
    return any(use.path[0] == "matrix" for part in read_template(when).expressions for use in part.names)
