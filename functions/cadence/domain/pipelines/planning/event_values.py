"""Parameters that a trigger gives to the run that it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.findings import Finding, Path
from cadence.domain.pipelines.document.templates import replaced
from cadence.domain.pipelines.expression import Evaluator, ExpressionError
from cadence.domain.pipelines.planning.names import RunProblems


@dataclass(frozen=True, slots=True)
class EventValues:
    """The values, or what keeps them from being known."""

    values: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def event_values(parameters: Mapping[str, Any], event: Mapping[str, Any]) -> EventValues:
    """Parameters with every expression, which may name the event only, replaced by its value."""
    names, problems = Evaluator({"event": event}), RunProblems()

    def evaluated(text: str, at: Path) -> Any:
        try:
            return names.value(text)
        except ExpressionError as error:
            problems.failed(error, text, ("on", "pipeline", "parameters", *at))
            return None

    return EventValues(replaced(dict(parameters), evaluated), problems.findings())
