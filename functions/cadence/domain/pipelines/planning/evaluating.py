"""Evaluates the expressions of a treatment's body and checks their values against the schema."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path
from cadence.domain.pipelines.document.syntax.schema import check_shape
from cadence.domain.pipelines.document.templates import holds_expressions, is_condition_of_step, is_script, replaced
from cadence.domain.pipelines.document.treatments.sizes import MAX_TREATMENT_BYTES, stored_size
from cadence.domain.pipelines.expression import Evaluator, ExpressionError, text_of
from cadence.domain.pipelines.planning.names import RunProblems
from cadence.domain.shared.display import kind_of, shown

_KEEPS_TYPE = frozenset({"cpu", "memory", "storage", "max_duration", "soft_fail"})
_DECIDED_BEFORE = frozenset({"when", "matrix", "run", "shell"})


def evaluated_body(
    body: Mapping[str, Any], names: Evaluator, path: Path, problems: RunProblems
) -> Mapping[str, Any] | None:
    """Returns the body with values in place of its expressions; `None` if that fails, with the reason in `problems`."""
    expressive = [key for key, value in body.items() if key not in _DECIDED_BEFORE and holds_expressions(value)]
    if not expressive:
        return body
    failed = False

    def evaluated(text: str, at: Path) -> Any:
        nonlocal failed
        if is_script(at):
            return text
        try:
            value = names.value(text)
        except ExpressionError as error:
            failed = True
            problems.failed(error, text, (*path, *at))
            return None
        if is_condition_of_step(at) and not isinstance(value, bool):
            failed = True
            message = f"The condition {shown(text.strip())} is {kind_of(value)}; it has to be true or false."
            problems.add(DocumentProblem(code=Code.EXPRESSION_FAILED, message=message, path=(*path, *at)))
        return _converted(value, at)

    values = {key: replaced(body[key], evaluated, (key,)) for key in expressive}
    if failed or not _fits(values, path, problems):
        return None
    return {**body, **values}


def _converted(value: Any, at: Path) -> Any:
    """Converts a value for its place: numbers and booleans stay so where these belong, parameters stay as they are.

    Elsewhere values become texts.
    """
    if at[0] in ("trigger", "melodium"):
        return value
    if is_condition_of_step(at):
        return value
    if at[0] in _KEEPS_TYPE or at[-1] in _KEEPS_TYPE:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return text_of(value)


def _fits(values: Mapping[str, Any], path: Path, problems: RunProblems) -> bool:
    """Whether a document could contain these values: they are checked by the same rules."""
    name = str(path[1])
    document = {"cadence": 1, "name": "run", "treatments": {"checked": {"run": ":", **values}}}
    fits = True
    for key, value in values.items():
        if (
            key != "env"
            and holds_expressions(value)
            and key not in ("trigger", "melodium", "services", "cache", "steps")
        ):
            fits = False
            message = f"{shown(key)} cannot be {shown(value)}."
            problems.add(DocumentProblem(code=Code.WRONG_FORM, message=message, path=(*path, key)))
    for problem in check_shape(document):
        fits = False
        message = f"With the values of this run: {problem.message.replace('checked', name)}"
        problems.add(
            DocumentProblem(code=problem.code, message=message, path=(*path, *problem.path[2:]), hint=problem.hint)
        )
    if fits and (size := stored_size(values)) > MAX_TREATMENT_BYTES:
        fits = False
        message = f"The settings of treatment {shown(name)} take {size:,} bytes, {MAX_TREATMENT_BYTES:,} at most."
        problems.add(
            DocumentProblem(
                code=Code.WRONG_SIZE, message=message, path=path, hint="Keep what is large in the repository."
            )
        )
    return fits
