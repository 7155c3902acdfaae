"""Results of tests: of a run, and of a branch of a pipeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.shapes import Cursor, Limit, TreatmentName
from cadence.application.test_reports.list_results import CaseOrder, CaseSelection
from cadence.application.test_reports.ports import BranchScope, PipelineScope
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.access.scopes import project_scope
from cadence.domain.test_reports.case import CaseCounts, ReportedCase
from cadence.domain.test_reports.report import AttemptReport, CaseName, TreatmentReport, total

endpoints = Endpoints("tests")


class CaseCountsView(Model):
    total: int
    passed: int
    failed: int
    errors: int = Field(description="Tests that broke, rather than found something wrong.")
    skipped: int
    new: int = Field(description="Failures that are not on the base, and neither flaky nor in quarantine.")
    known_flaky: int = Field(description="Failures of tests that are known to change their outcome by themselves.")
    quarantined: int = Field(description="Failures that do not fail the treatment.")
    seconds: float


class CaseNameView(Model):
    name: str
    file: str | None
    line: int | None


class AttemptTestsView(Model):
    attempt: int
    problem: str | None = Field(description="What could not be read of its report; null if nothing is missing.")
    counts: CaseCountsView


class TreatmentTestsView(Model):
    treatment: str
    run_id: str = Field(description="The run that executed it: an earlier one if its values were taken over.")
    base_run: str | None = Field(description="The run on the base branch that its failures were compared with.")
    counts: CaseCountsView = Field(description="Of the last attempt with a report that can be read.")
    new_failures: list[CaseNameView] = Field(description="The first 20.")
    flaky_failures: list[CaseNameView] = Field(description="The first 20.")
    attempts: list[AttemptTestsView]


class CaseView(Model):
    treatment: str
    name: str
    outcome: str
    seconds: float
    file: str | None
    line: int | None
    message: str | None = Field(description="Null without the permission logs:read.")
    new: bool | None = Field(description="Null if there is nothing to compare with.")
    flaky: bool
    quarantined: bool


class RunTestsQuery(Model):
    outcome: Literal["all", "failing", "new", "flaky", "skipped", "passed"] = "failing"
    order: Literal["report", "slowest"] = "report"
    treatment: TreatmentName | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class RunTestsView(Model):
    counts: CaseCountsView
    treatments: list[TreatmentTestsView]
    items: list[CaseView] = Field(description="Tests of the last attempts, selected by `outcome`.")
    next: str | None


class BranchTestsQuery(Model):
    """Without `repository` and `branch`: runs that no event of a git host started."""

    repository: Annotated[str, StringConstraints(max_length=500)] = Field(
        "", description="The id of a connected repository, or the full name of one of a git host."
    )
    branch: Annotated[str, StringConstraints(max_length=500)] = ""


class BranchTreatmentView(Model):
    treatment: str
    run_id: str
    attempt: int
    counts: CaseCountsView
    at: datetime


class FlakyCaseView(Model):
    treatment: str
    name: str
    run_id: str = Field(description="The run in which it was seen last.")
    seen_at: datetime


class BranchTestsView(Model):
    counts: CaseCountsView
    treatments: list[BranchTreatmentView] = Field(description="The newest results of each treatment on the branch.")
    flaky: list[FlakyCaseView] = Field(description="The flaky tests of the pipeline, on any branch; at most 1,000.")


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/tests",
    Permission.RUNS_READ,
    answers={200: RunTestsView},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def list_run_tests(call: Call, services: Services, run_id: str, query: RunTestsQuery) -> RunTestsView:
    """Lists the results of a run's tests, as far as its treatments have ended and have `reports`."""
    run = services.visible.get(call.by, run_id)
    listing = services.case_results.listing
    reports = [report for report in listing.of_run(run_id).reports if query.treatment in {None, report.treatment}]
    key, position = services.keys.key("CURSOR"), ("tests", run_id, query.outcome, query.order, query.treatment)
    first = int(verify(key, query.cursor, *position)) if query.cursor else 0
    cases = listing.cases(reports, CaseSelection(query.outcome), CaseOrder(query.order))
    last = first + query.limit
    with_messages = call.by.has(Permission.LOGS_READ, project_scope(run.project, pipeline=run.pipeline))
    return RunTestsView(
        counts=_counts(total(reports)),
        treatments=[_treatment(report) for report in reports],
        items=[_case(treatment, case, with_messages=with_messages) for treatment, case in cases[first:last]],
        next=sign(key, str(last), *position) if last < len(cases) else None,
    )


@endpoints.add(
    "GET",
    "/v1/projects/{project}/pipelines/{pipeline}/tests",
    Permission.RUNS_READ,
    answers={200: BranchTestsView},
    errors=(404, 422),
)
def list_branch_tests(
    call: Call, services: Services, project: str, pipeline: str, query: BranchTestsQuery
) -> BranchTestsView:
    """Lists the newest results of a pipeline's tests on a branch, and its flaky tests."""
    found = services.project(call.by, project, pipeline=pipeline)
    scope = PipelineScope(organization=found.organization, project=found.name, pipeline=pipeline)
    branch = BranchScope(repository=query.repository, branch=query.branch)
    results = services.case_results.store.branch_results(scope, branch)
    counts = CaseCounts()
    for result in results:
        counts = counts.plus(result.counts)
    return BranchTestsView(
        counts=_counts(counts),
        treatments=[
            BranchTreatmentView(
                treatment=one.treatment,
                run_id=one.run_id,
                attempt=one.attempt,
                counts=_counts(one.counts),
                at=one.at,
            )
            for one in results
        ],
        flaky=[FlakyCaseView.model_validate(one) for one in services.case_results.store.flaky(scope)],
    )


def _counts(counts: CaseCounts) -> CaseCountsView:
    return CaseCountsView.model_validate(counts)


def _names(names: Iterable[CaseName]) -> list[CaseNameView]:
    return [CaseNameView.model_validate(name) for name in names]


def _treatment(report: TreatmentReport) -> TreatmentTestsView:
    return TreatmentTestsView(
        treatment=report.treatment,
        run_id=report.run_id,
        base_run=report.base_run,
        counts=_counts(report.counts),
        new_failures=_names(report.new_failures),
        flaky_failures=_names(report.flaky_failures),
        attempts=[_attempt(one) for one in report.attempts],
    )


def _attempt(one: AttemptReport) -> AttemptTestsView:
    return AttemptTestsView(attempt=one.attempt, problem=one.problem, counts=_counts(one.counts))


def _case(treatment: str, case: ReportedCase, *, with_messages: bool) -> CaseView:
    return CaseView(
        treatment=treatment,
        name=case.name,
        outcome=str(case.outcome),
        seconds=case.seconds,
        file=case.file,
        line=case.line,
        message=case.message if with_messages else None,
        new=case.new,
        flaky=case.flaky,
        quarantined=case.quarantined,
    )
