"""A treatment's condition over the states that others ended in and the values of their outputs."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.pipelines.outputs_read import outputs_read
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.outcome_text import PAST
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import TreatmentState

Outputs = Mapping[tuple[str, str], Any]
"""The values of outputs by treatment and port."""


class NoAnswer(ValueError):
    """The condition is neither true nor false; the message says why."""


class NoValue(NoAnswer):
    """The condition reads an output of a treatment that did not succeed; the message names it."""


def holds(run: Run, spec: TreatmentSpec, states: Mapping[str, TreatmentState], outputs: Outputs) -> bool:
    """Returns whether the condition `spec.when` is true.

    It is CEL over `treatments.<name>.state`, `treatments.<name>.outputs.<port>` and all that a document's expressions
    may name. Raises NoAnswer.
    """
    # Imported here, because it takes time to load, and few documents have conditions.
    from cadence.domain.pipelines.expression import Evaluator, ExpressionError, read_template

    treatments: dict[str, Any] = {name: {"state": str(state), "outputs": {}} for name, state in states.items()}
    for (name, port), value in outputs.items():
        treatments[name]["outputs"][port] = value
    names: dict[str, Any] = {
        "treatments": treatments,
        "parameters": dict(run.parameters),
        "event": dict(run.event),
        "matrix": dict(spec.matrix),
        "run": {"id": run.run_id, "pipeline": run.pipeline, "project": run.project},
    }
    try:
        answer = Evaluator(names).value(read_template(f"${{{{ {spec.when} }}}}"))
    except ExpressionError as error:
        for name, port in outputs_read(spec.when):
            if (name, port) not in outputs and states[name] is not TreatmentState.SUCCEEDED:
                raise NoValue(f"it reads {name}.{port}, and {name} {PAST[states[name]]}") from error
        raise NoAnswer(str(error)) from error
    if not isinstance(answer, bool):
        raise NoAnswer("it gives neither true nor false")
    return answer
