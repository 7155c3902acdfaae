"""Evaluates the parameters that a trigger gives to the run that it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.findings import Finding, Path
from cadence.domain.pipelines.document.templates import replaced
from cadence.domain.pipelines.expression import Evaluator, ExpressionError
from cadence.domain.pipelines.planning.names import RunProblems


@dataclass(frozen=True, slots=True)
class EventValues:
    """The values of the parameters, and the findings if some cannot be evaluated."""

    values: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def event_values(parameters: Mapping[str, Any], event: Mapping[str, Any]) -> EventValues:
    """Returns parameters with each expression replaced by its value. Expressions may name only the event."""
    names, problems = Evaluator({"event": event}), RunProblems()
    trigger = "webhook" if event.get("kind") == "webhook" else "pipeline"

    def evaluated(text: str, at: Path) -> Any:
        try:
            return names.value(text)
        except ExpressionError as error:
            problems.failed(error, text, ("on", trigger, "parameters", *at))
            return None

    return EventValues(replaced(dict(parameters), evaluated), problems.findings())
