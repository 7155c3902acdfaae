"""Creates the specifications of a treatment in one run: its own, and those of its instances."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.pipelines.document.pipeline import Pipeline, UsedProgram
from cadence.domain.pipelines.document.project_checks import PoolOffer, not_offered, unknown_pools
from cadence.domain.pipelines.document.treatments.matrix import MatrixInstance
from cadence.domain.pipelines.expression import Evaluator, text_of
from cadence.domain.pipelines.image import parse_image, registry_of
from cadence.domain.pipelines.planning.evaluating import evaluated_body
from cadence.domain.pipelines.planning.expanding import Expanded
from cadence.domain.pipelines.planning.names import RunProblems
from cadence.domain.pipelines.planning.programs import checked_first, misfits
from cadence.domain.pipelines.planning.settings import settings
from cadence.domain.pipelines.planning.shares import with_shares
from cadence.domain.pipelines.planning.wiring import InputWiring
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.shared.display import shown

DEFAULT_PARALLEL = 16


class Specifier:
    """Creates specifications; adds what is wrong to the given problems."""

    def __init__(
        self,
        pipeline: Pipeline,
        wiring: InputWiring,
        event: Mapping[str, Any],
        environments: Mapping[str, EnvironmentSet] | None,
        pools: Mapping[str, PoolOffer] | None,
        problems: RunProblems,
    ) -> None:
        self._pipeline = pipeline
        self._wiring = wiring
        self._event = event
        self._environments = environments
        self._pools = pools
        self._problems = problems

    def specs(self, expanded: Expanded) -> list[TreatmentSpec]:
        """Returns the treatment's own specification, then those of its instances."""
        if expanded.is_matrix:
            return self._group(expanded)
        if "each" in expanded.treatment.body:
            return [self._each(expanded)]
        return checked_first(self._single(expanded, expanded.treatment.name, expanded.names, expanded.never))

    def _single(
        self, expanded: Expanded, name: str, names: Evaluator, never: str | None, instance: MatrixInstance | None = None
    ) -> TreatmentSpec:
        treatment = expanded.treatment
        inputs = self._wiring.inputs(expanded, instance)
        kind = TreatmentKind.TRIGGER if "trigger" in treatment.body else TreatmentKind.COMMAND
        fields: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "inputs": inputs,
            "outputs": self._wiring.outputs(treatment),
            "after": treatment.after,
            "priority": self._pipeline.priority,
        }
        if instance is not None:
            fields.update(group=treatment.name, matrix=dict(instance.values))
        if never is not None:
            # Its settings are not checked: its condition may exist to guard them.
            return TreatmentSpec(**fields, never=never)
        path, body = ("treatments", treatment.name), treatment.body
        if self._pipeline.depends_on_run:
            evaluated = evaluated_body(body, names, path, self._problems)
            if evaluated is None:
                return TreatmentSpec(**fields)
            if evaluated is not body:
                self._check_offers(name, evaluated, path)
            body = evaluated
        if treatment.program is not None and not self._fits(body, treatment.program, path):
            return TreatmentSpec(**fields)
        spec = TreatmentSpec(**fields, **settings(body, treatment.program), **self._condition(expanded))
        return self._in_environment(self._with_registries(spec), path)

    def _fits(self, body: Mapping[str, Any], program: UsedProgram, path: tuple[str, ...]) -> bool:
        """Whether the program's parameters have their types, which expressions determine only now."""
        mismatches = list(misfits(body["melodium"], program))
        for name, reason in mismatches:
            at = (*path, "melodium", "parameters", name)
            self._problems.add(DocumentProblem(code=Code.BAD_PARAMETER, message=f"{shown(name)}: {reason}.", path=at))
        return not mismatches

    def _with_registries(self, spec: TreatmentSpec) -> TreatmentSpec:
        """Returns the treatment with the secrets of only those registries that its images come from."""
        registries = self._pipeline.registries
        if not registries:
            return spec
        images = [*([spec.image] if spec.image else []), *(service.image for service in spec.services)]
        used = {parse_image(image).registry for image in images}
        return replace(spec, registries={host: name for host, name in registries.items() if registry_of(host) in used})

    def _check_offers(self, name: str, body: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """Checks the treatment's requirements on pools, which expressions determine only now."""
        if self._pools is None:
            return
        unknown = list(unknown_pools(body, self._pools, ()))
        for index, message, hint in unknown:
            self._problems.add(
                DocumentProblem(code=Code.UNKNOWN_POOL, message=message, path=(*path, "pools", index), hint=hint)
            )
        lacking = None if unknown else not_offered(name, body, {}, self._pools)
        if lacking is not None:
            self._problems.add(
                DocumentProblem(
                    code=lacking.code, message=lacking.message, path=(*path, *lacking.keys), hint=lacking.hint
                )
            )

    def _condition(self, expanded: Expanded) -> dict[str, Any]:
        if not expanded.over:
            return {}
        return {"when": expanded.condition, "when_over": expanded.over}

    def _group(self, expanded: Expanded) -> list[TreatmentSpec]:
        treatment, matrix = expanded.treatment, expanded.treatment.body["matrix"]
        group = TreatmentSpec(
            name=treatment.name,
            kind=TreatmentKind.GATHER,
            outputs=self._wiring.gathered_outputs(treatment),
            instances=tuple(instance.name for instance in expanded.instances),
            fail_fast=matrix.get("fail_fast", True),
            parallel=matrix.get("max_parallel"),
            priority=self._pipeline.priority,
            never=expanded.never,
        )
        specs = []
        for instance in expanded.instances:
            spec = self._single(
                expanded, instance.name, expanded.names_of(instance), expanded.never_of.get(instance.name), instance
            )
            if spec.never is None:
                variables = {f"CADENCE_MATRIX_{axis}": text_of(value) for axis, value in instance.values.items()}
                spec = replace(spec, env={**spec.env, **variables})
            specs.append(spec)
        specs = with_shares(specs, treatment.body.get("reports", {}).get("split", {}).get("by"))
        soft_fail = next((spec.soft_fail for spec in specs if spec.soft_fail), None)
        return [replace(group, soft_fail=soft_fail), *specs]

    def _each(self, expanded: Expanded) -> TreatmentSpec:
        treatment, each = expanded.treatment, expanded.treatment.body["each"]
        name = each["input"] if isinstance(each, dict) else each
        parallel = each.get("parallel") if isinstance(each, dict) else None
        template = self._single(expanded, treatment.name, expanded.names, expanded.never)
        elements = self._wiring.elements_of(treatment, name)
        return TreatmentSpec(
            name=treatment.name,
            kind=TreatmentKind.EACH,
            inputs=tuple(_of_elements(port, elements) if port.port == name else port for port in template.inputs),
            outputs=self._wiring.gathered_outputs(treatment),
            after=template.after,
            when=template.when,
            when_over=template.when_over,
            never=expanded.never,
            parallel=parallel or treatment.body.get("parallel", DEFAULT_PARALLEL),
            each=name,
            soft_fail=template.soft_fail,
            instance=replace(template, group=treatment.name, after=(), when=None, when_over=()),
            priority=self._pipeline.priority,
        )

    def _in_environment(self, spec: TreatmentSpec, path: tuple[str, ...]) -> TreatmentSpec:
        if spec.environment is None or self._environments is None:
            return spec
        environment = self._environments.get(spec.environment)
        at = (*path, "environment")
        if environment is None:
            known = ", ".join(sorted(self._environments)[:10])
            hint = f"Known here: {known}." if known else "Add it first."
            message = f"The project has no environment {shown(spec.environment)}."
            self._problems.add(DocumentProblem(code=Code.UNKNOWN_ENVIRONMENT, message=message, path=at, hint=hint))
            return spec
        if reason := environment.closed_to(self._event):
            self._problems.add(
                DocumentProblem(
                    code=Code.ENVIRONMENT_CLOSED, message=reason, path=at, hint="Guard the treatment with `when`."
                )
            )
            return spec
        own = spec.env.keys() | spec.secrets.keys()
        return replace(
            spec,
            env={**{name: value for name, value in environment.env.items() if name not in own}, **spec.env},
            secrets={**{name: value for name, value in environment.secrets.items() if name not in own}, **spec.secrets},
        )


def _of_elements(port: InputSpec, elements: tuple[str, str] | None) -> InputSpec:
    if elements is None:
        return replace(port, type=f"Vec<{port.type}>")
    return replace(port, flow=elements[0], type=elements[1])
