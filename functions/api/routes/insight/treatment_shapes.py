"""Shapes of everything about one treatment."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import Field

from api.endpoint import Model
from api.routes.insight.preview_shapes import PreviewView
from api.routes.runs.insight_shapes import (
    ApprovalView,
    PortView,
    RunnerView,
    TreatmentSummary,
    ValueView,
    runner_view,
    value_view,
)
from api.shapes import JsonObject
from cadence.application.insight.treatment_insight import PortContent, TreatmentInsight
from cadence.domain.insight import exit_explanation
from cadence.domain.melodium.element import ElementSpec
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.placement import placing
from cadence.domain.runners.runner import Runner
from cadence.domain.runners.timing import Times, times
from cadence.domain.runs.step_progress import StepProgress
from cadence.domain.values.previews import preview


class RetryView(Model):
    """Further attempts by cause; waits in seconds."""

    infrastructure: int
    failure: int
    timeout: int
    exit_codes: list[int]
    wait: int
    max_wait: int


class ServiceView(Model):
    """A container beside the command, reachable by its name."""

    name: str
    image: str
    env: dict[str, str]
    ports: list[int]


class ElementView(Model):
    """A treatment of a Mélodium program.

    Parameters are JSON texts, so that no digit is lost; the counts are of values, by port.
    """

    treatment: str = Field(description="Its name in its package, such as `std/flow::emit`.")
    track: int
    host: str | None = Field(description="What it is part of, if that is a treatment itself.")
    designed: bool = Field(description="Whether it is made of other treatments.")
    generics: dict[str, str]
    parameters: dict[str, str]
    delivered: dict[str, int]
    sent: dict[str, int]
    unreported: dict[str, int] = Field(
        description="Of those sent, the values that the engine did not report: it was not started with `--debug-level detailed`."
    )
    unreported_inputs: dict[str, int] = Field(description="The same of the source of each input.")
    secrets: list[str] = Field(description="Uses of secrets, as the engine reported them: when, which, how.")

    @classmethod
    def of(cls, element: ElementSpec | None, *, previewed: bool) -> "ElementView | None":
        if element is None:
            return None
        plain = {name: getattr(element, name) for name in cls.model_fields}
        maps = {
            name: dict(plain[name]) for name in ("generics", "delivered", "sent", "unreported", "unreported_inputs")
        }
        shown = {"parameters": dict(element.parameters) if previewed else {}, "secrets": list(element.secrets)}
        return cls(**plain | maps | shown)


class StepSpecView(Model):
    """A named part of the treatment's work: its script, the program that reads it, and variables of its own."""

    name: str
    run: str
    shell: str
    env: dict[str, str]
    always: bool = Field(description="Whether it is run although an earlier step failed.")
    on_failure: bool = Field(description="Whether it is run only if an earlier step failed.")
    soft_fail: bool = Field(description="Whether its failure fails nothing.")


class StepView(Model):
    """A step in the shown attempt. `number` counts from 1, as `step` of log lines does."""

    number: int
    name: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    soft_fail: bool = Field(description="Whether its failure fails nothing.")


class SpecView(Model):
    """The treatment's specification.

    `secrets` maps environment variables to names of secrets; cpu in millicores, memory and storage in MB, times in
    seconds.
    """

    kind: str = Field(description="command, gather (a matrix), each, trigger, or element (inside of an engine).")
    run: str = Field(description="The script; empty where there are steps.")
    steps: list[StepSpecView]
    shell: str
    image: str | None
    env: dict[str, str]
    secrets: dict[str, str]
    environment: str | None
    services: list[ServiceView]
    volumes: dict[str, str]
    caches: list[str] = Field(description="Their keys.")
    stdin: str | None
    stdout: str | None
    pools: list[str]
    cpu: int | None
    memory: int | None
    storage: int | None
    arch: str | None
    residency: list[str] = Field(description="Where it may run; empty for anywhere.")
    max_duration: int
    after: list[str]
    when: str | None
    group: str | None = Field(description="The treatment whose instance this is.")
    matrix: JsonObject = Field(description="An instance's own values.")
    retry: RetryView
    element: ElementView | None


class ChangeView(Model):
    """From `at` on, `attempt` was in `state`."""

    at: datetime
    attempt: int
    state: str
    note: str


class TimesView(Model):
    """Seconds; null for what an attempt has not reached, or what is not known.

    What is going on is counted until now.
    """

    waited: float | None = Field(description="Until its inputs were there; of the first attempt.")
    queued: float | None = Field(
        description="Until its runner began to be made; with approvals and waiting for a free place."
    )
    booted: float | None = Field(description="Until the runner called home.")
    ran: float | None


class AttemptView(RunnerView):
    """One attempt and its runner."""

    exit_code: int | None
    signal: str | None
    error: str | None = Field(description="The agent's report of the end.")
    finished_at: datetime | None
    console: str | None = Field(description="What its machine printed, if it never called home.")
    held_until: datetime | None = Field(description="Until when its machine is kept after its failure.")
    usage: dict[str, float]
    times: TimesView
    lines_left_out: int = Field(description="Lines of its log that were not kept because of a log quota.")


class FlowView(PortView):
    """A port and its value.

    `value` is null until it is complete; `sent` is its progress until then.
    """

    literal: PreviewView | None = Field(None, description="Of an input that nothing feeds, or that is an element.")
    element_of: str | None = Field(None, description="The output whose element an instance of `each` was made for.")
    sent: int | None = Field(None, description="Bytes that were sent so far, or before it failed.")
    attempt: int | None = Field(None, description="Which attempt sent them.")
    kept: ValueView | None = Field(
        None, description="Of an output: what the shown attempt wrote before it failed. It feeds no other treatment."
    )


class ConsideredView(Model):
    """A pool, and what speaks for or against it."""

    pool: str
    fits: bool
    reason: str


class TreatmentView(TreatmentSummary):
    """A treatment as it is in its latest attempt, or was in the one that was asked for.

    Of an earlier attempt, state, cause, exit code, pool, times, outputs and steps are its own.
    """

    run_id: str
    latest_attempt: int = Field(description="How many attempts there were; `attempt` is the one that is shown.")
    placement: list[ConsideredView] = Field(
        description="The pools that were considered for its latest attempt: those that fit in the order in which they were asked, then the others. Empty of an earlier attempt."
    )
    signal: str | None = Field(description="That killed the command, or by its exit code one of its own commands.")
    placed_at: datetime | None
    failures: int
    infrastructure_failures: int
    times: TimesView = Field(description="Of the shown attempt.")
    history: list[ChangeView] = Field(description="Every state of every attempt, in order.")
    usage: dict[str, float] = Field(description="Peaks and totals that the runner measured.")
    approval: ApprovalView | None
    started_run: str | None = Field(description="The run of another pipeline that it started.")
    spec: SpecView
    parameters: JsonObject = Field(description="Those of the run.")
    inputs: list[FlowView]
    outputs: list[FlowView]
    steps: list[StepView] = Field(description="In their order; empty if it has no named steps.")
    runners: list[AttemptView] = Field(description="One per attempt, the latest first.")

    def hands_over_content(self) -> bool:
        flows = (*self.inputs, *self.outputs)
        values = (value for flow in flows for value in (flow.value, flow.kept) if value is not None)
        return any(flow.literal for flow in flows) or any(value.has_content for value in values)


def treatment_view(
    insight: TreatmentInsight,
    now: datetime,
    *,
    previewed: bool,
    started_run: str | None,
    approval: ApprovalView | None,
    steps: Sequence[StepProgress] = (),
) -> TreatmentView:
    treatment = insight.treatment
    latest = next((runner for runner in insight.attempts if runner.attempt == treatment.attempt), None)
    result = latest.result if latest else None
    return TreatmentView(
        **TreatmentSummary.model_validate(treatment).model_dump(),
        run_id=insight.run.run_id,
        latest_attempt=insight.latest_attempt,
        signal=exit_explanation.ending(treatment, result).signal,
        placement=[ConsideredView(**asdict(one)) for one in placing.decode(treatment.placement)],
        placed_at=treatment.placed_at,
        failures=treatment.failures,
        infrastructure_failures=treatment.infrastructure_failures,
        times=times_view(times(treatment, treatment.attempt, latest, now)),
        history=[ChangeView.model_validate(change) for change in treatment.history],
        usage=dict(_usage(latest)),
        started_run=started_run,
        approval=approval,
        spec=spec_view(insight.spec, previewed=previewed),
        parameters=dict(insight.run.parameters),
        inputs=[flow_view(flow, previewed=previewed) for flow in insight.inputs],
        outputs=[flow_view(flow, previewed=previewed) for flow in insight.outputs],
        steps=[
            StepView(number=number, name=spec.name, soft_fail=spec.soft_fail, **asdict(step))
            for number, (spec, step) in enumerate(zip(insight.spec.steps, steps, strict=True), 1)
        ],
        runners=[_attempt(insight, runner, now) for runner in insight.attempts],
    )


def spec_view(spec: TreatmentSpec, *, previewed: bool) -> SpecView:
    plain = {name: getattr(spec, name) for name in SpecView.model_fields}
    return SpecView.model_validate(
        plain
        | {name: dict(plain[name]) for name in ("env", "secrets", "volumes", "matrix")}
        | {name: list(plain[name]) for name in ("pools", "after", "residency")}
        | {
            "kind": str(spec.kind),
            "steps": [
                StepSpecView(
                    **{name: getattr(step, name) for name in StepSpecView.model_fields} | {"env": dict(step.env)}
                )
                for step in spec.steps
            ],
            "services": [
                ServiceView(name=service.name, image=service.image, env=dict(service.env), ports=list(service.ports))
                for service in spec.services
            ],
            "caches": [cache.key for cache in spec.caches],
            "element": ElementView.of(spec.element, previewed=previewed),
        }
    )


def flow_view(flow: PortContent, *, previewed: bool) -> FlowView:
    port = flow.port
    shown = port.literal if isinstance(port, InputSpec) and previewed else None
    literal = shown.encode("utf-8", "surrogatepass") if shown is not None else None
    return FlowView(
        port=port.port,
        flow=port.flow,
        type=port.type,
        source=".".join(flow.source) if flow.source else None,
        value=value_view(flow.value, previewed=previewed),
        element_of=".".join(flow.element_of) if flow.element_of else None,
        literal=PreviewView.of(preview(literal, port.type, cut=False)) if literal is not None else None,
        sent=flow.stream.size if flow.stream and flow.value is None else None,
        attempt=flow.value.attempt if flow.value else flow.attempt,
        kept=value_view(flow.kept, previewed=previewed),
    )


def times_view(spent: Times) -> TimesView:
    return TimesView.model_validate(spent)


def _attempt(insight: TreatmentInsight, runner: Runner, now: datetime) -> AttemptView:
    result = runner.result
    treatment = insight.treatment
    signal = exit_explanation.signal_name(result.signal) if result and result.signal is not None else None
    return AttemptView(
        **runner_view(runner).model_dump(),
        exit_code=result.exit_code if result else None,
        signal=signal,
        error=result.error if result else None,
        finished_at=result.finished_at if result else None,
        console=runner.console,
        held_until=runner.held_until,
        usage=dict(_usage(runner)),
        times=times_view(times(treatment, runner.attempt, runner, now)),
        lines_left_out=insight.lines_left_out(runner),
    )


def _usage(runner: Runner | None) -> dict[str, float]:
    """Returns what was measured at the end; until then the peaks that heartbeats have reported."""
    if runner is None:
        return {}
    return dict(runner.result.usage if runner.result else runner.peaks)
