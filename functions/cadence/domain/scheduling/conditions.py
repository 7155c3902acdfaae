"""A treatment's condition over the states that others ended in."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Run


class NoAnswer(ValueError):
    """The condition is neither true nor false; the message says why."""


def holds(run: Run, spec: TreatmentSpec, states: Mapping[str, str]) -> bool:
    """Returns whether the condition `spec.when` is true.

    It is CEL over `treatments.<name>.state` and all that a document's expressions may name. Raises NoAnswer.
    """
    # Imported here, because it takes time to load, and few documents have conditions.
    from cadence.domain.pipelines.expression import Evaluator, ExpressionError, read_template

    names: dict[str, Any] = {
        "treatments": {name: {"state": state} for name, state in states.items()},
        "parameters": dict(run.parameters),
        "event": dict(run.event),
        "matrix": dict(spec.matrix),
        "run": {"id": run.run_id, "pipeline": run.pipeline, "project": run.project},
    }
    try:
        answer = Evaluator(names).value(read_template(f"${{{{ {spec.when} }}}}"))
    except ExpressionError as error:
        raise NoAnswer(str(error)) from error
    if not isinstance(answer, bool):
        raise NoAnswer("it gives neither true nor false")
    return answer
