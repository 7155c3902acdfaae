"""The names that expressions of a run can use, and the problems of planning it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Finding, Path, Severity, pointer
from cadence.domain.pipelines.expression import ExpressionError
from cadence.domain.shared.display import shown

_MOST_PROBLEMS = 100
_LONGEST_MESSAGE = 1_000


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts about a run that its expressions can use as `run`."""

    run_id: str = ""
    pipeline: str = ""
    project: str = ""


def run_names(parameters: Mapping[str, Any], event: Mapping[str, Any], facts: RunFacts) -> dict[str, Any]:
    """Returns the names that every expression of a run can use."""
    run = {"id": facts.run_id, "pipeline": facts.pipeline, "project": facts.project}
    return {"parameters": parameters, "event": event, "run": run}


class TooManyProblems(Exception):
    """Signals that there are too many problems to show more of them."""


class RunProblems:
    """The problems of planning a run. Adding the hundredth raises TooManyProblems."""

    def __init__(self) -> None:
        self._found: dict[tuple[Code, Path, str], DocumentProblem] = {}

    def add(self, problem: DocumentProblem) -> None:
        """Adds a problem unless it is known. Raises TooManyProblems."""
        self._found[problem.code, problem.path, problem.message] = problem
        if len(self._found) >= _MOST_PROBLEMS:
            raise TooManyProblems

    def failed(self, error: ExpressionError, text: str, path: Path) -> None:
        """Adds the problem of an expression that cannot be evaluated."""
        message = f"{shown(text.strip())} has no value here: {error.message}"[:_LONGEST_MESSAGE]
        self.add(DocumentProblem(code=Code.EXPRESSION_FAILED, message=message, path=path, hint=error.hint))

    def __bool__(self) -> bool:
        return bool(self._found)

    def findings(self) -> tuple[Finding, ...]:
        """Returns the problems as findings.

        Their line and column are 0: `located` looks up their places where the text is at hand.
        """
        return tuple(_finding(problem) for problem in self._found.values())


def _finding(problem: DocumentProblem) -> Finding:
    return Finding(
        code=problem.code,
        severity=Severity.ERROR,
        message=problem.message,
        pointer=pointer(problem.path),
        line=0,
        column=0,
        hint=problem.hint,
    )


def told(findings: Iterable[Finding]) -> str:
    """Returns the errors among findings as the cause of a run that could not start: the first three, and the number of
    the others.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    parts = [f"{finding.message} ({finding.pointer})" if finding.pointer else finding.message for finding in errors]
    more = f" And {len(parts) - 3} more." if len(parts) > 3 else ""
    return " ".join(parts[:3]) + more
