"""Reads the reports of an ended treatment: stores each test's outcome, and compares the failures with the base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cadence.application.shared.ports import Clock
from cadence.application.shared.report_ports import CommitReports, ReportRequest
from cadence.application.shared.run_ports import RunStore, TreatmentContext, TreatmentStore, ValueStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.application.shared.value_ports import Chunks, StreamStates
from cadence.application.test_reports.branches import branch_of
from cadence.application.test_reports.ports import (
    BranchScope,
    CaseResultStore,
    DurationWriter,
    ParsedReports,
    PipelineScope,
    ReportedAttempt,
    ReportParser,
)
from cadence.domain.pipelines.plan import spec_to_json
from cadence.domain.pipelines.specification import REPORTS_PORT, OutputSpec, TreatmentSpec, in_group
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.test_reports.case import ReportedCase, counted, merged
from cadence.domain.test_reports.durations import MeasuredInstance, measured
from cadence.domain.test_reports.judging import judged, unstable_names, work_digest
from cadence.domain.test_reports.report import AttemptReport, BranchResult, FlakyCase, TreatmentReport, named

LARGEST_REPORT = 64 * 1024 * 1024
"""Bytes of all files of one attempt."""
_MOST_COMPARED = 10
_MOST_FLAKY = 200
# What does not change what the command does.
_NOT_WORK = frozenset(
    {"pools", "retry", "quarantine", "priority", "soft_fail", "max_duration", "after", "when", "when_over"}
)


@dataclass(frozen=True, kw_only=True)
class ReadTestReports:
    """Reads the reports of treatments that have ended."""

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    runners: RunnerStore
    streams: StreamStates
    chunks: Chunks
    parser: ReportParser
    store: CaseResultStore
    durations: DurationWriter
    commit_reports: CommitReports
    clock: Clock

    def read(self, run_id: str, treatment: str) -> TreatmentReport | None:
        """Returns the report of a treatment; None if it sent none. Safe to repeat at any point."""
        try:
            context = self.treatments.get_context(run_id, treatment)
        except NotFound:
            return None  # the run is not kept any more
        output = next((port for port in context.spec.outputs if port.port == REPORTS_PORT), None)
        if output is None or context.treatment.kept_from is not None:
            return None
        found = {
            attempt: parsed
            for attempt in range(1, context.treatment.attempt + 1)
            if (parsed := self._parse(context, attempt, output)) is not None
        }
        if not found:
            return None
        report = self._judge(context, found)
        self._request_commit_report(run_id)
        return report

    def _parse(self, context: TreatmentContext, attempt: int, output: OutputSpec) -> ParsedReports | None:
        """Returns what one attempt reported, None if it did not come as far."""
        run_id, name = context.run.run_id, context.spec.name
        runner_id = ids.runner_id(run_id, name, attempt)
        for port in (REPORTS_PORT, ids.kept_port(REPORTS_PORT)):
            end = self.streams.get_progress(runner_id, port).end
            if end is None:
                continue
            retention = self.runners.get_runner(runner_id).retention
            if retention is not None:
                return ParsedReports(
                    problem=f"The pool {retention.pool} keeps values apart, so that reports of its runners are not read."
                )
            if end.size == 0:
                return ParsedReports(problem=f"There was nothing at {output.path}.")
            if end.size > LARGEST_REPORT:
                return ParsedReports(
                    problem=f"The files have {end.size:,} bytes; at most {LARGEST_REPORT:,} are read. Report less output."
                )
            keys = [ids.chunk_key(run_id, name, attempt, port, number) for number in range(end.chunks)]
            try:
                content = b"".join(self.chunks.read_whole(keys))
            except NotFound:
                return ParsedReports(problem="The files are not kept any more.")
            return self.parser.parse(content, archive=_is_archive(output.path or ""))
        return None

    def _judge(self, context: TreatmentContext, found: Mapping[int, ParsedReports]) -> TreatmentReport:
        run, name, now = context.run, context.spec.name, self.clock()
        pipeline = PipelineScope(organization=run.organization, project=run.project, pipeline=run.pipeline)
        cases = {attempt: merged(parsed.cases) for attempt, parsed in found.items()}
        digest = self._digest(context)
        flaky = self._flaky(run, name, pipeline, digest, cases, now)
        branch = branch_of(run)
        base = self._base(run, name, pipeline, branch.base)
        base_cases = self._base_cases(context.spec, base)
        attempts: list[AttemptReport] = []
        last: Sequence[ReportedCase] = ()
        for attempt, parsed in found.items():
            ordered = judged(cases[attempt], base_cases, flaky, context.spec.quarantine)
            of = ReportedAttempt(run_id=run.run_id, treatment=name, attempt=attempt)
            if ordered:
                last = ordered
                self.store.put_cases(of, ordered)
                self.store.add_work(digest, of, now)
            attempts.append(AttemptReport(attempt=attempt, counts=counted(ordered), problem=parsed.problem))
        report = TreatmentReport(
            run_id=run.run_id,
            treatment=name,
            attempts=attempts,
            base_run=base.run_id if base and base_cases is not None else None,
            new_failures=named(case for case in last if case.new),
            flaky_failures=named(case for case in last if case.outcome.failing and case.flaky),
            other_failures=named(
                case for case in last if case.outcome.failing and not (case.new or case.flaky or case.quarantined)
            ),
        )
        self.store.put_report(report)
        if branch.own is not None and report.last is not None:
            result = BranchResult(
                treatment=name,
                run_id=run.run_id,
                position=run.position,
                attempt=report.last.attempt,
                counts=report.counts,
                at=now,
            )
            self.store.put_branch_result(pipeline, branch.own, result)
            if context.spec.split is not None:
                durations = MeasuredInstance(treatment=name, position=run.position, seconds=measured(last))
                self.durations.put_durations(pipeline, branch.own, durations, now)
        return report

    def _flaky(
        self,
        run: Run,
        treatment: str,
        pipeline: PipelineScope,
        digest: str,
        cases: Mapping[int, Sequence[ReportedCase]],
        now: datetime,
    ) -> set[str]:
        """Returns the names of this treatment's flaky tests, after those that these attempts show were recorded."""
        others = [
            self._cases(same) or ()
            for same in self.store.same_work(digest, _MOST_COMPARED)
            if (same.run_id, same.treatment) != (run.run_id, treatment)
        ]
        shown = sorted(unstable_names([*cases.values(), *others]))[:_MOST_FLAKY]
        self.store.put_flaky(
            pipeline,
            [FlakyCase(treatment=treatment, name=name, run_id=run.run_id, seen_at=now) for name in shown],
        )
        return {one.name for one in self.store.flaky(pipeline) if one.treatment == treatment} | set(shown)

    def _base(
        self, run: Run, treatment: str, pipeline: PipelineScope, branch: BranchScope | None
    ) -> ReportedAttempt | None:
        """Returns the attempt to compare with: that of an earlier call, or the newest on the base branch."""
        earlier = self.store.get_reports([(run.run_id, treatment)]).get((run.run_id, treatment))
        if earlier is not None:
            if earlier.base_run is None:
                return None
            of_base = self.store.get_reports([(earlier.base_run, treatment)]).get((earlier.base_run, treatment))
            if of_base is None or of_base.last is None:
                return None
            return ReportedAttempt(run_id=of_base.run_id, treatment=treatment, attempt=of_base.last.attempt)
        for result in self.store.branch_results(pipeline, branch, treatment) if branch else ():
            if result.run_id != run.run_id and result.position < run.position:
                return ReportedAttempt(run_id=result.run_id, treatment=treatment, attempt=result.attempt)
        return None

    def _base_cases(self, spec: TreatmentSpec, base: ReportedAttempt | None) -> Sequence[ReportedCase] | None:
        """Returns the tests to compare with. Where a suite is split, any instance of the base may have had a test."""
        own = self._cases(base)
        if own is None or base is None or spec.split is None or spec.group is None:
            return own
        others = [
            ReportedAttempt(run_id=base.run_id, treatment=report.treatment, attempt=report.last.attempt)
            for report in self.store.list_reports(base.run_id)
            if report.treatment != base.treatment and in_group(report.treatment, spec.group) and report.last is not None
        ]
        return [*own, *(case for other in others for case in self._cases(other) or ())]

    def _cases(self, of: ReportedAttempt | None) -> Sequence[ReportedCase] | None:
        try:
            return None if of is None else self.store.get_cases(of)
        except NotFound:
            return None

    def _digest(self, context: TreatmentContext) -> str:
        """Returns the digest of the treatment's work: its specification, the content of its inputs, the commit."""
        run, spec = context.run, context.spec
        ports = [
            (port.source_treatment, port.source_port)
            for port in spec.inputs
            if port.source_treatment and port.source_port
        ]
        values = {(value.treatment, value.port): value.digest for value in self.values.get_values(run.run_id, ports)}
        parts: dict[str, Any] = {
            "project": f"{run.organization}/{run.project}",
            "specification": {key: value for key, value in spec_to_json(spec).items() if key not in _NOT_WORK},
            "inputs": [values.get(port) for port in ports],
            "parameters": dict(run.parameters),
            "commit": run.commit,
        }
        return work_digest(parts)

    def _request_commit_report(self, run_id: str) -> None:
        """Requests that the code host is told, if the run has ended: before that its end leads to a report."""
        run = self.runs.get_run(run_id)
        request = ReportRequest.of(run)
        if request is not None and run.state.final:
            self.commit_reports.request(request)


def _is_archive(path: str) -> bool:
    """Returns whether the agent packs the files at a path: a directory or a glob."""
    return path.endswith("/") or any(mark in path for mark in "*?[")
