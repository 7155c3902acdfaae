"""Decides for each treatment of a run whether it takes part, and expands its matrix into instances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path
from cadence.domain.pipelines.document.pipeline import TreatmentDeclaration
from cadence.domain.pipelines.document.templates import holds_expressions, replaced
from cadence.domain.pipelines.document.treatments.expressions import treatments_named
from cadence.domain.pipelines.document.treatments.matrix import (
    MatrixError,
    MatrixInstance,
    axes,
    combinations,
    instances,
    values_key,
)
from cadence.domain.pipelines.expression import Evaluator, ExpressionError, read_template
from cadence.domain.pipelines.planning.names import RunProblems
from cadence.domain.shared.display import kind_of, shown

_LONGEST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Expanded:
    """A treatment in one run.

    `never` is the reason why it is skipped from the start. `over` are the treatments whose states or outputs its
    condition names; the condition is then decided when the treatment is ready. Only a treatment with a matrix has
    `instances`.
    """

    treatment: TreatmentDeclaration
    names: Evaluator
    never: str | None = None
    over: tuple[str, ...] = ()
    instances: tuple[MatrixInstance, ...] = ()
    axes: tuple[str, ...] = ()
    never_of: Mapping[str, str] = field(default_factory=dict)
    """The reason for each instance that is skipped from the start, by the instance's name."""

    @property
    def is_matrix(self) -> bool:
        """Whether the treatment has a matrix."""
        return "matrix" in self.treatment.body

    @property
    def condition(self) -> str | None:
        """The condition over other treatments (CEL, without braces); None if there is none."""
        when = read_template(self.treatment.body["when"]).whole if self.over else None
        return when.source if when else None

    def names_of(self, instance: MatrixInstance) -> Evaluator:
        """Returns the evaluator with the instance's values as `matrix`."""
        return self.names.with_names({"matrix": instance.values})

    @cached_property
    def by_values(self) -> Mapping[str, list[MatrixInstance]]:
        """The instances by the values of the axes (`values_key`)."""
        grouped: dict[str, list[MatrixInstance]] = {}
        for instance in self.instances:
            grouped.setdefault(values_key(instance.values, self.axes), []).append(instance)
        return grouped


def expand(treatment: TreatmentDeclaration, names: Evaluator, problems: RunProblems) -> Expanded:
    """Returns a treatment with its condition decided and its matrix expanded. Adds what is wrong to `problems`."""
    body = treatment.body
    if "when" not in body and "matrix" not in body:
        return Expanded(treatment=treatment, names=names)
    when = body.get("when", True)
    over = treatments_named(body)
    by_instance = "matrix" in body and _names_matrix(when)
    never = None if over or by_instance else _never(when, names, (*_path(treatment), "when"), problems)
    if "matrix" not in body or never is not None:
        return Expanded(treatment=treatment, names=names, never=never, over=over)
    matrix = body["matrix"]
    combined = _instances(treatment, matrix, names, problems)
    if not combined:
        return Expanded(
            treatment=treatment, names=names, never="its matrix has no combinations", over=over, axes=axes(matrix)
        )
    expanded = Expanded(treatment=treatment, names=names, never=None, over=over, instances=combined, axes=axes(matrix))
    if not by_instance or over:
        return expanded
    skipped = {}
    for instance in combined:
        reason = _never(when, expanded.names_of(instance), (*_path(treatment), "when"), problems)
        if reason is not None:
            skipped[instance.name] = reason
    return Expanded(
        treatment=treatment, names=names, never=None, over=over, instances=combined, axes=axes(matrix), never_of=skipped
    )


def _path(treatment: TreatmentDeclaration) -> Path:
    return ("treatments", treatment.name)


def _names_matrix(when: Any) -> bool:
    if not isinstance(when, str):
        return False
    return any(use.path[0] == "matrix" for part in read_template(when).expressions for use in part.names)


def _never(when: Any, names: Evaluator, path: Path, problems: RunProblems) -> str | None:
    """Returns the reason why a condition that is known now keeps its treatment from running; None if it does not."""
    if isinstance(when, bool):
        return None if when else "its condition is false"
    try:
        value = names.value(when)
    except ExpressionError as error:
        problems.failed(error, when, path)
        return None
    if not isinstance(value, bool):
        message = f"The condition {shown(when.strip())} is {kind_of(value)}; it has to be true or false."
        problems.add(
            DocumentProblem(
                code=Code.EXPRESSION_FAILED,
                message=message,
                path=path,
                hint="Compare it with something, as in … == 'main'.",
            )
        )
    return f"its condition {condition_text(when)} is false" if value is False else None


def condition_text(when: str) -> str:
    """Returns a condition for a message: without its braces, on one line."""
    expression = read_template(when).whole
    text = " ".join((expression.source if expression else when).split())
    return f"{text[:_LONGEST_SHOWN]}…" if len(text) > _LONGEST_SHOWN else text


def _instances(
    treatment: TreatmentDeclaration, matrix: Mapping[str, Any], names: Evaluator, problems: RunProblems
) -> tuple[MatrixInstance, ...]:
    path: Path = (*_path(treatment), "matrix")
    failed = False

    def evaluated(text: str, at: Path) -> Any:
        nonlocal failed
        try:
            return names.value(text)
        except ExpressionError as error:
            failed = True
            problems.failed(error, text, (*path, *at))
            return None

    values = replaced(matrix, evaluated) if holds_expressions(matrix) else matrix
    if failed:
        return ()
    try:
        return instances(treatment.name, combinations(values))
    except MatrixError as error:
        code = Code.MATRIX_TOO_LARGE if error.size else Code.BAD_MATRIX
        problems.add(
            DocumentProblem(
                code=code, message=f"The matrix of {shown(treatment.name)}: {error.message}", path=(*path, *error.key)
            )
        )
        return ()
