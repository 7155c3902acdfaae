"""Plans one run: expands matrices, evaluates expressions, and connects every input with its source."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Finding
from cadence.domain.pipelines.document.pipeline import Concurrency, Pipeline
from cadence.domain.pipelines.document.project_checks import PoolOffer
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.treatments.matrices import MAX_TREATMENTS, too_many
from cadence.domain.pipelines.expression import Evaluator, ExpressionError, text_of
from cadence.domain.pipelines.plan import Plan
from cadence.domain.pipelines.planning.expanding import Expanded, expand
from cadence.domain.pipelines.planning.names import RunFacts, RunProblems, TooManyProblems, run_names
from cadence.domain.pipelines.planning.specifying import Specifier
from cadence.domain.pipelines.planning.wiring import InputWiring
from cadence.domain.pipelines.specification import ConcurrencyPolicy, TreatmentSpec

_LONGEST_GROUP = 500
_LARGEST_PLAN = 50_000_000
_EACH_TREATMENT = 500


@dataclass(frozen=True, slots=True)
class PlanningResult:
    """The plan of a run, or the findings that prevent it."""

    plan: Plan | None
    findings: tuple[Finding, ...] = ()


def instantiate(
    pipeline: Pipeline,
    parameters: Mapping[str, Any],
    event: Mapping[str, Any],
    facts: RunFacts,
    environments: Mapping[str, EnvironmentSet] | None = None,
    pools: Mapping[str, PoolOffer] | None = None,
) -> PlanningResult:
    """Returns the plan of a run of `pipeline`.

    `environments` and `pools` are the project's (`None`: not known, so that none is checked). Never raises for the
    content of the document or the values. Treatments come in the order of the document, the instances of a matrix after
    the treatment that gathers them.
    """
    problems = RunProblems()
    names = Evaluator(run_names(parameters, event, facts))
    plan = None
    with suppress(TooManyProblems):
        group = _group(pipeline.concurrency, names, problems)
        treatments = _specs(pipeline, names, event, environments, pools, problems)
        policy = pipeline.concurrency.policy if pipeline.concurrency else ConcurrencyPolicy.QUEUE
        plan = Plan(treatments, group, policy, pipeline.priority)
    return PlanningResult(None, problems.findings()) if problems or plan is None else PlanningResult(plan)


def _specs(
    pipeline: Pipeline,
    names: Evaluator,
    event: Mapping[str, Any],
    environments: Mapping[str, EnvironmentSet] | None,
    pools: Mapping[str, PoolOffer] | None,
    problems: RunProblems,
) -> tuple[TreatmentSpec, ...]:
    expanded: dict[str, Expanded] = {}
    total = 0
    for treatment in pipeline.treatments.values():
        expanded[treatment.name] = current = expand(treatment, names, problems)
        total += 1 + len(current.instances)
        if total > MAX_TREATMENTS:
            problems.add(too_many(sum(1 + len(other.instances) for other in expanded.values())))
            raise TooManyProblems
    wiring = InputWiring(pipeline, expanded, problems)
    specifier = Specifier(pipeline, wiring, event, environments, pools, problems)
    specs: list[TreatmentSpec] = []
    size = 0
    for current in expanded.values():
        for spec in specifier.specs(current):
            specs.append(spec)
            size += _EACH_TREATMENT + len(spec.run) + sum(map(len, spec.env.values()))
            size += sum(len(step.run) + sum(map(len, step.env.values())) for step in spec.steps)
        if size > _LARGEST_PLAN:
            message = f"The treatments of this run take more than {_LARGEST_PLAN:,} bytes together."
            hint = "Make matrices smaller; keep long scripts in the repository."
            problems.add(
                DocumentProblem(code=Code.TOO_MANY_TREATMENTS, message=message, path=("treatments",), hint=hint)
            )
            raise TooManyProblems
    return tuple(specs)


def _group(concurrency: Concurrency | None, names: Evaluator, problems: RunProblems) -> str | None:
    if concurrency is None or not holds_expressions(concurrency.group):
        return concurrency.group if concurrency else None
    try:
        group = text_of(names.value(concurrency.group))
    except ExpressionError as error:
        problems.failed(error, concurrency.group, ("concurrency", "group"))
        return None
    if not 0 < len(group) <= _LONGEST_GROUP:
        message = f"The concurrency group has {len(group):,} characters; it has to have 1 to {_LONGEST_GROUP}."
        problems.add(DocumentProblem(code=Code.EXPRESSION_FAILED, message=message, path=("concurrency", "group")))
    return group
