"""Causes of runs: what failed of itself, and errors rather than warnings."""

from datetime import UTC, datetime

from cadence.application.runs.finalise import _verdict
from cadence.domain.pipelines.document.findings import Code, Finding, Severity
from cadence.domain.pipelines.planning.names import told
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState

FAILED = TreatmentState.FAILED


def treatment(name: str, kind: TreatmentKind = TreatmentKind.COMMAND, cause: str = "exit code 1") -> Treatment:
    return Treatment(run_id="r", name=name, state=FAILED, waiting=0, kind=kind, cause=cause)


def test_a_group_is_not_counted_beside_its_instances() -> None:
    run = Run(
        run_id="r", organization="o", project="p", pipeline="x", state=RunState.RUNNING,
        created_at=datetime(2026, 1, 1, tzinfo=UTC), document_sha256="", plan_sha256="",
    )  # fmt: skip
    group = treatment("test", TreatmentKind.GATHER, "1 of 3 instances failed")
    one, two, other = treatment("test:1"), treatment("test:2"), treatment("build")
    assert _verdict(run, [group, one]) == (RunState.FAILED, "test:1 failed: exit code 1")
    assert _verdict(run, [group, one, two, other]) == (RunState.FAILED, "test:1 failed: exit code 1; 2 more failed")
    assert _verdict(run, [group]) == (RunState.FAILED, "test failed: 1 of 3 instances failed")


def test_the_cause_of_a_run_that_could_not_start_has_no_warnings() -> None:
    def finding(severity: Severity, message: str) -> Finding:
        return Finding(code=Code.UNKNOWN_KEY, severity=severity, message=message, pointer="", line=1, column=1)

    findings = [finding(Severity.WARNING, "Forks skip it."), finding(Severity.ERROR, "It is wrong.")]
    assert told(findings) == "It is wrong."
