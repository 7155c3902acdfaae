"""Runs a treatment of kind `trigger`: it starts a run of another pipeline of its project, and may wait for its end.

The pipeline is a stored one, or a document that another treatment of the run sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.resume_child_run import ResumeChildRun
from cadence.application.runs.start_run import Ancestry, StartRun
from cadence.application.shared.block_values import LARGEST_VALUE, read_block
from cadence.application.shared.identifiers import child_run_id
from cadence.application.shared.run_ports import RunStore, ValueStore
from cadence.domain.pipelines.document import Finding, Severity
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runs.run import MAX_DEPTH, Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import InvalidRequest, NotFound
from cadence.domain.triggers.git_events import from_fork

Freeze = Callable[[str, str, str, Mapping[str, Any]], RunRequest]
"""Returns the newest version of a pipeline (organization, project, name) with these parameters.

Raises NotFound and InvalidDocument.
"""

PlanGeneratedRun = Callable[[str, Run, InputSpec, Mapping[str, Any]], RunRequest]
"""Implemented by `PlanGenerated.plan_generated`."""

_MOST_FINDINGS = 5
_ENDS = {
    RunState.SUCCEEDED: TreatmentState.SUCCEEDED,
    RunState.FAILED: TreatmentState.FAILED,
    RunState.CANCELLED: TreatmentState.CANCELLED,
    RunState.TIMED_OUT: TreatmentState.TIMED_OUT,
}


class CannotStart(Exception):
    """No run can be started; the message says why."""


@dataclass(frozen=True)
class ChildOutcome:
    """The state and the cause with which the treatment ends."""

    state: TreatmentState
    cause: str | None


@dataclass(frozen=True, kw_only=True)
class StartChildRun:
    """Starts the run of a treatment of kind `trigger`."""

    runs: RunStore
    values: ValueStore
    freeze: Freeze
    plan: PlanRun
    plan_generated: PlanGeneratedRun
    resume: ResumeChildRun
    start: StartRun

    def start_child(self, treatment: Treatment, spec: TreatmentSpec, task_token: str) -> ChildOutcome | None:
        """Returns how the treatment ends, or None while it waits for its run.

        While it waits, `task_token` is answered with `{"next": "again"}` once the run has ended. Safe to repeat: the
        run's id derives from the treatment's, so that a retry finds the run that was started before.
        """
        assert spec.trigger is not None
        parent = self.runs.get_run(treatment.run_id)
        try:
            child = self._child(parent, treatment, spec)
        except CannotStart as error:
            return ChildOutcome(TreatmentState.FAILED, str(error))
        if not spec.trigger.wait:
            return ChildOutcome(TreatmentState.SUCCEEDED, None)
        # Kept before the run is read again: either the run's end finds the token, or this read finds that it has ended.
        child = self.runs.keep_waiting_token(child.run_id, task_token)
        if not child.state.final:
            return None
        state = _ENDS[child.state]
        outcome = f"run {child.run_id} of {child.pipeline} {child.state.value.replace('_', ' ')}"
        cause = f"{outcome}: {child.cause}" if child.cause else outcome
        return ChildOutcome(state, None if state is TreatmentState.SUCCEEDED else cause)

    def _child(self, parent: Run, treatment: Treatment, spec: TreatmentSpec) -> Run:
        assert spec.trigger is not None
        run_id = child_run_id(parent, treatment.name)
        try:
            return self.runs.get_run(run_id)
        except NotFound:
            pass  # it is to be started
        if parent.depth >= MAX_DEPTH:
            raise CannotStart(f"{MAX_DEPTH} runs have started one another already: is this a loop?")
        document = next((port for port in spec.inputs if port.port == spec.trigger.document), None)
        parameters = {**spec.trigger.parameters, **self._inputs(parent.run_id, spec)}
        if document is not None:
            event, planned = parent.event, self._generated(run_id, parent, document, parameters)
        else:
            assert spec.trigger.pipeline is not None
            event = _event(parent, treatment.name)
            planned = self._stored(run_id, parent, spec.trigger.pipeline, parameters, event)
        planned = self.resume.resume(parent, treatment.name, planned)
        ancestry = Ancestry(parent.run_id, treatment.name, parent.depth + 1, generated=document is not None)
        return self.start.start(run_id, planned, event, parent.created_by, ancestry)

    def _stored(
        self, run_id: str, parent: Run, pipeline: str, parameters: Mapping[str, Any], event: Mapping[str, Any]
    ) -> RunRequest:
        try:
            frozen = self.freeze(parent.organization, parent.project, pipeline, parameters)
            return self.plan.plan(run_id, frozen, event)
        except InvalidDocument as error:
            problems = "; ".join(finding.message for finding in error.findings[:_MOST_FINDINGS])
            raise CannotStart(f"pipeline {pipeline} cannot be started: {problems}") from None
        except (NotFound, InvalidRequest) as error:
            raise CannotStart(f"pipeline {pipeline} cannot be started: {error.message}") from None

    def _generated(self, run_id: str, parent: Run, document: InputSpec, parameters: Mapping[str, Any]) -> RunRequest:
        try:
            return self.plan_generated(run_id, parent, document, parameters)
        except InvalidDocument as error:
            name = f"{document.source_treatment}.{document.source_port}"
            raise CannotStart(_refusal(name, error.findings)) from None
        except (NotFound, InvalidRequest) as error:
            raise CannotStart(f"the document cannot be run: {error.message}") from None

    def _inputs(self, run_id: str, spec: TreatmentSpec) -> Mapping[str, Any]:
        """Returns the values of its inputs, which become parameters. Raises CannotStart for one that is too large."""
        parameters = {}
        assert spec.trigger is not None
        for port in spec.inputs:
            if port.port == spec.trigger.document:
                continue
            if port.source_treatment is None or port.source_port is None:
                if port.literal is not None:
                    parameters[port.port] = read_block(port.literal.encode(), port.type)
                continue
            if port.type == "void":
                continue
            value = self.values.get_value(run_id, port.source_treatment, port.source_port)
            if value.retention:
                raise CannotStart(
                    f"input {port.port} cannot be a parameter of another run, which is kept with that run: "
                    f"{value.retention.reason}"
                )
            if value.size > LARGEST_VALUE or len(value.preview) < value.size:
                raise CannotStart(
                    f"input {port.port} has {value.size:,} bytes, and a parameter can have at most {LARGEST_VALUE:,}"
                )
            parameters[port.port] = read_block(value.preview, port.type)
        return parameters


def _refusal(name: str, findings: Sequence[Finding]) -> str:
    """Returns the errors in a document as the cause of the treatment, a line for each with its place; the first five.

    `name` is the output that sent the document.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    lines = ["the document is not valid:"]
    for error in errors[:_MOST_FINDINGS]:
        # Findings about parameters have no place in the text.
        place = f"{name}:{error.line}:{error.column}" if error.line else name
        lines.append(f"{place}: {' '.join(error.message.split())}")
    if len(errors) > _MOST_FINDINGS:
        lines.append(f"and {len(errors) - _MOST_FINDINGS} more")
    return "\n".join(lines)


def _event(parent: Run, treatment: str) -> Mapping[str, Any]:
    fork = {"fork": True} if from_fork(parent.event) else {}
    return {"kind": "trigger", "run_id": parent.run_id, "pipeline": parent.pipeline, "treatment": treatment, **fork}
