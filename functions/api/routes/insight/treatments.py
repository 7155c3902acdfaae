"""Treatments: everything known of one, why it failed, the content of its ports, its resources, its instances."""

import json
from collections.abc import Sequence

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Reply
from api.routes.insight.content_shapes import (
    AttemptQuery,
    ContentQuery,
    ContentView,
    DiagnosisQuery,
    DiagnosisView,
    FlowsView,
    InstancesQuery,
    InstancesView,
    LimitsView,
    OutgoingStreamView,
    OutputQuery,
    ResourceSampleView,
    ResourcesQuery,
    ResourcesView,
    content_view,
    instance_view,
    line_json,
    trace_json,
)
from api.routes.insight.treatment_shapes import TreatmentView, treatment_view
from api.routes.runs.insight_shapes import ApprovalView, DecisionView
from cadence.application.insight.treatment_insight import InstanceSummary, TreatmentInsight
from cadence.application.runs.run_details import RunDetails
from cadence.application.shared.identifiers import child_run_id
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.access.scopes import project_scope
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runners.attempts import in_attempt
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.step_progress import StepProgress, progress_of
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("treatments")

_PATH = "/v1/runs/{run_id}/treatments/{treatment}"


@endpoints.add(
    "GET",
    _PATH,
    Permission.RUNS_READ,
    answers={200: TreatmentView, 304: None},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def show_treatment(call: Call, services: Services, run_id: str, treatment: str, query: AttemptQuery) -> Reply:
    """Shows everything about a treatment: state and history, times, specification, inputs and outputs, runners."""
    insight = _run(call, services, run_id)
    details = services.debugging.look.read(insight, treatment, query.attempt)
    shown = treatment_view(
        details,
        services.clock(),
        previewed=_reads_values(call, insight),
        started_run=_started_run(services, insight, details.spec),
        approval=_approval(call, services, run_id, details.spec),
        steps=_steps(services, details),
    )
    return Reply(shown, lasting=insight.run.state.final)


@endpoints.add(
    "GET",
    f"{_PATH}/diagnosis",
    Permission.LOGS_READ,
    answers={200: DiagnosisView},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def diagnose(call: Call, services: Services, run_id: str, treatment: str, query: DiagnosisQuery) -> Reply:
    """Explains a failure: its cause in plain words, the log's stack traces with their lines, and the last lines."""
    insight = _run(call, services, run_id)
    spec, stored = services.debugging.look.context(insight, treatment)
    attempt = query.attempt or stored.attempt
    runner = _runner(services, run_id, treatment, attempt)
    explained = in_attempt(stored, attempt, runner)
    diagnosis = services.debugging.diagnose.diagnose(explained, spec, runner, query.lines)
    answer = {
        "attempt": diagnosis.attempt,
        "state": str(explained.state),
        "cause": explained.cause,
        "explanations": list(diagnosis.explanations),
        "stack_traces": [trace_json(linked) for linked in diagnosis.traces],
        "errors": [line_json(line) for line in diagnosis.errors],
        "last_lines": [line_json(line) for line in diagnosis.last_lines],
        "complete": diagnosis.complete,
    }
    return Reply(json.dumps(answer))


@endpoints.add("GET", f"{_PATH}/resources", Permission.RUNS_READ, answers={200: ResourcesView}, errors=(404, 422))
def show_resources(call: Call, services: Services, run_id: str, treatment: str, query: ResourcesQuery) -> ResourcesView:
    """Shows CPU, memory, disk and network of an attempt over time, with its limits."""
    insight = _run(call, services, run_id)
    spec, stored = services.debugging.look.context(insight, treatment)
    attempt = query.attempt or stored.attempt
    runner = _runner(services, run_id, treatment, attempt)
    if runner is None:
        raise NotFound(f"Attempt {attempt} of {treatment} has (had) no runner.")
    series = services.debugging.resources.read(runner, spec, query.points)
    return ResourcesView(
        attempt=attempt,
        samples=[ResourceSampleView.model_validate(sample) for sample in series.samples],
        limits=LimitsView.model_validate(series.limits),
    )


@endpoints.add("GET", f"{_PATH}/flows", Permission.RUNS_READ, answers={200: FlowsView}, errors=(404,))
def show_flows(call: Call, services: Services, run_id: str, treatment: str) -> FlowsView:
    """Shows how many bytes of its streams a running treatment has sent, and how far their readers are behind."""
    flows = services.debugging.flows.read(_run(call, services, run_id), treatment)
    return FlowsView(items=[OutgoingStreamView.model_validate(one) for one in flows])


@endpoints.add("GET", f"{_PATH}/instances", Permission.RUNS_READ, answers={200: InstancesView}, errors=(404, 422))
def list_instances(call: Call, services: Services, run_id: str, treatment: str, query: InstancesQuery) -> InstancesView:
    """Lists the instances of a treatment with a matrix or `each`, to be compared."""
    insight = _run(call, services, run_id)
    key, listing = services.keys.key("CURSOR"), ("instances", run_id, treatment)
    first = int(verify(key, query.cursor, *listing)) if query.cursor else 0
    names = services.debugging.look.instance_names(insight, treatment)
    last = first + query.limit
    instances = services.debugging.look.instances(insight, names[first:last])
    group, _ = services.debugging.look.context(insight, treatment)
    previewed = _reads_values(call, insight)
    return InstancesView(
        items=[
            instance_view(instance, services.clock(), _element(group, instance) if previewed else None)
            for instance in instances
        ],
        next=sign(key, str(last), *listing) if last < len(names) else None,
    )


@endpoints.add(
    "GET",
    f"{_PATH}/inputs/{{port}}",
    Permission.VALUES_READ,
    answers={200: ContentView},
    errors=(404, 410, 422),
    audit=AuditKind.VALUE,
)
def read_input(
    call: Call, services: Services, run_id: str, treatment: str, port: str, query: ContentQuery
) -> ContentView:
    """Reads a piece of an input; also while its stream flows."""
    content = services.debugging.content
    where = content.of_input(_run(call, services, run_id), treatment, port)
    return content_view(content.read(where, query.offset, query.length))


@endpoints.add(
    "GET",
    f"{_PATH}/outputs/{{port}}",
    Permission.VALUES_READ,
    answers={200: ContentView},
    errors=(404, 410, 422),
    audit=AuditKind.VALUE,
)
def read_output(
    call: Call, services: Services, run_id: str, treatment: str, port: str, query: OutputQuery
) -> ContentView:
    """Reads a piece of an output; also while its stream flows, and of attempts that failed."""
    content = services.debugging.content
    where = content.of_output(_run(call, services, run_id), treatment, port, query.attempt)
    return content_view(content.read(where, query.offset, query.length))


def _reads_values(call: Call, insight: RunDetails) -> bool:
    run = insight.run
    return call.by.has(Permission.VALUES_READ, project_scope(run.project, pipeline=run.pipeline))


def _run(call: Call, services: Services, run_id: str) -> RunDetails:
    return services.look.read(services.visible.get(call.by, run_id))


def _runner(services: Services, run_id: str, treatment: str, attempt: int) -> Runner | None:
    try:
        return services.runners.get_runner(ids.runner_id(run_id, treatment, attempt))
    except NotFound:
        return None


def _element(group: TreatmentSpec, instance: InstanceSummary) -> InputSpec | None:
    return next((port for port in instance.spec.inputs if port.port == group.each), None)


def _started_run(services: Services, insight: RunDetails, spec: TreatmentSpec) -> str | None:
    if spec.kind is not TreatmentKind.TRIGGER:
        return None
    try:
        return services.runs.get_run(child_run_id(insight.run, spec.name)).run_id
    except NotFound:
        return None


def _steps(services: Services, details: TreatmentInsight) -> Sequence[StepProgress]:
    spec, treatment = details.spec, details.treatment
    if not spec.steps:
        return ()
    source, attempt_there = (
        (treatment.kept_from, None) if treatment.kept_from else (treatment.run_id, treatment.attempt)
    )
    report = services.step_reports.get_steps(source, treatment.name, attempt_there)
    attempt = report.attempt if report and treatment.kept_from else treatment.attempt
    return progress_of(spec.steps, treatment.state, attempt, report)


def _approval(call: Call, services: Services, run_id: str, spec: TreatmentSpec) -> ApprovalView | None:
    if spec.environment is None:
        return None
    try:
        request = services.approval_store.get_request(run_id, spec.name)
    except NotFound:
        return None
    decisions = list(services.approval_store.decisions(run_id, spec.name))
    names = services.people.names_for(call.by, (decision.by for decision in decisions))
    return ApprovalView(
        environment=request.environment,
        required=request.required,
        approvers=None if request.approvers is None else list(request.approvers),
        asked_at=request.asked_at,
        expires_at=request.expires_at,
        decisions=[DecisionView.of(decision, names) for decision in decisions],
    )
