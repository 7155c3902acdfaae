"""Lists results of tests: of a run, and of a branch of a pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.test_reports.ports import CaseResultStore, ReportedAttempt
from cadence.domain.shared.errors import NotFound
from cadence.domain.test_reports.case import CaseOutcome, ReportedCase
from cadence.domain.test_reports.report import TreatmentReport


class CaseSelection(StrEnum):
    """The tests that a listing has."""

    ALL = "all"
    FAILING = "failing"
    NEW = "new"
    FLAKY = "flaky"
    SKIPPED = "skipped"
    PASSED = "passed"


class CaseOrder(StrEnum):
    """The order of a listing."""

    REPORT = "report"
    SLOWEST = "slowest"


@dataclass(frozen=True, kw_only=True)
class RunTests:
    """The reports of a run's treatments. `taken_over` are the treatments whose report is that of an earlier run."""

    reports: Sequence[TreatmentReport]
    taken_over: Mapping[str, str]


@dataclass(frozen=True)
class ListTests:
    """Lists the tests of runs."""

    store: CaseResultStore
    treatments: TreatmentStore

    def of_run(self, run_id: str) -> RunTests:
        """Returns the reports of a run; of treatments that it took over, those of the run that executed them."""
        own = list(self.store.list_reports(run_id))
        known = {report.treatment for report in own}
        taken_over = {
            treatment.name: treatment.kept_from
            for treatment in self.treatments.list_treatments(run_id)
            if treatment.reports and treatment.kept_from is not None and treatment.name not in known
        }
        earlier = self.store.get_reports((run, name) for name, run in taken_over.items()) if taken_over else {}
        found = [*own, *earlier.values()]
        return RunTests(
            reports=sorted(found, key=lambda report: report.treatment),
            taken_over={name: run for name, run in taken_over.items() if (run, name) in earlier},
        )

    def cases(
        self, reports: Sequence[TreatmentReport], selection: CaseSelection, order: CaseOrder
    ) -> Sequence[tuple[str, ReportedCase]]:
        """Returns the tests of the last attempts, each with its treatment. Reports that are not kept are left out."""
        found: list[tuple[str, ReportedCase]] = []
        for report in reports:
            if report.last is None:
                continue
            of = ReportedAttempt(run_id=report.run_id, treatment=report.treatment, attempt=report.last.attempt)
            try:
                cases = self.store.get_cases(of)
            except NotFound:
                continue
            found += [(report.treatment, case) for case in cases if _selected(case, selection)]
        if order is CaseOrder.SLOWEST:
            found.sort(key=lambda one: -one[1].seconds)
        return found


def _selected(case: ReportedCase, selection: CaseSelection) -> bool:
    match selection:
        case CaseSelection.ALL:
            return True
        case CaseSelection.FAILING:
            return case.outcome.failing
        case CaseSelection.NEW:
            return case.new is True
        case CaseSelection.FLAKY:
            return case.flaky
        case CaseSelection.SKIPPED:
            return case.outcome is CaseOutcome.SKIPPED
        case CaseSelection.PASSED:
            return case.outcome is CaseOutcome.PASSED
