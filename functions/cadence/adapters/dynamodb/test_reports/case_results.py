"""`CaseResultStore` on the `runs` table, with the tests themselves in the data bucket."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cadence.adapters.dynamodb.shared.plain_items import query
from cadence.adapters.dynamodb.test_reports.items import branch_prefix, expiry, get, partition_of, put, put_newest
from cadence.application.shared.value_ports import Chunks
from cadence.application.test_reports.ports import (
    BranchScope,
    CaseResultStore,
    PipelineScope,
    ReportedAttempt,
    ReportReader,
)
from cadence.domain.shared import ids
from cadence.domain.test_reports.case import CaseCounts, ReportedCase
from cadence.domain.test_reports.report import (
    BranchResult,
    FlakyCase,
    TreatmentReport,
    decode_cases,
    encode_cases,
    report_json,
    report_of,
)

_MOST_FLAKY = 1_000
_REPORT = "TESTS#"


class DynamoReports(ReportReader):
    """Reads reports from the table `runs`."""

    def __init__(self, runs_table: str) -> None:
        self._table = runs_table

    def list_reports(self, run_id: str) -> Sequence[TreatmentReport]:
        return [report_of(json.loads(item["report"])) for item in query(self._table, f"RUN#{run_id}", _REPORT)]


class DynamoCaseResults(DynamoReports, CaseResultStore):
    """`chunks` reads and writes objects of the data bucket."""

    def __init__(self, runs_table: str, chunks: Chunks) -> None:
        super().__init__(runs_table)
        self._chunks = chunks

    def put_cases(self, of: ReportedAttempt, cases: Sequence[ReportedCase]) -> None:
        self._chunks.write(_key(of), encode_cases(cases))

    def get_cases(self, of: ReportedAttempt) -> Sequence[ReportedCase]:
        return decode_cases(b"".join(self._chunks.read_whole([_key(of)])))

    def put_report(self, report: TreatmentReport) -> None:
        content = json.dumps(report_json(report), separators=(",", ":"))
        put(self._table, {"pk": f"RUN#{report.run_id}", "sk": _REPORT + report.treatment, "report": content})

    def get_reports(self, treatments: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], TreatmentReport]:
        found = {}
        for run_id, treatment in treatments:
            item = get(self._table, f"RUN#{run_id}", _REPORT + treatment)
            if item is not None:
                found[run_id, treatment] = report_of(json.loads(item["report"]))
        return found

    def add_work(self, digest: str, attempt: ReportedAttempt, at: datetime) -> None:
        place = f"{attempt.run_id}#{attempt.treatment}#{attempt.attempt:04}"
        put(self._table, {"pk": f"TESTEDWORK#{digest}", "sk": place, "attempt": _attempt_text(attempt), **expiry(at)})

    def same_work(self, digest: str, limit: int) -> Sequence[ReportedAttempt]:
        newest = query(self._table, f"TESTEDWORK#{digest}", "", limit=limit, ScanIndexForward=False)
        return [ReportedAttempt(**json.loads(item["attempt"])) for item in newest]

    def put_branch_result(self, pipeline: PipelineScope, branch: BranchScope, result: BranchResult) -> None:
        content = {
            "treatment": result.treatment,
            "run_id": result.run_id,
            "attempt": result.attempt,
            "counts": {name: getattr(result.counts, name) for name in CaseCounts.__dataclass_fields__},
            "at": result.at.isoformat(),
        }
        item = {
            "pk": partition_of("BRANCHTESTS", pipeline),
            "sk": branch_prefix(branch) + result.treatment,
            "position": result.position,
            "result": json.dumps(content, separators=(",", ":")),
            **expiry(result.at),
        }
        put_newest(self._table, item)

    def branch_results(
        self, pipeline: PipelineScope, branch: BranchScope, treatment: str | None = None
    ) -> Sequence[BranchResult]:
        partition = partition_of("BRANCHTESTS", pipeline)
        if treatment is None:
            return [_branch_result(item) for item in query(self._table, partition, branch_prefix(branch))]
        item = get(self._table, partition, branch_prefix(branch) + treatment)
        return [_branch_result(item)] if item else []

    def put_flaky(self, pipeline: PipelineScope, cases: Iterable[FlakyCase]) -> None:
        for case in cases:
            content = {"treatment": case.treatment, "name": case.name, "run_id": case.run_id}
            sort_key = hashlib.sha256(f"{case.treatment}\0{case.name}".encode()).hexdigest()
            put(
                self._table,
                {
                    "pk": partition_of("FLAKYTESTS", pipeline),
                    "sk": sort_key,
                    "case": json.dumps({**content, "seen_at": case.seen_at.isoformat()}, separators=(",", ":")),
                    **expiry(case.seen_at),
                },
            )

    def flaky(self, pipeline: PipelineScope) -> Sequence[FlakyCase]:
        found = []
        for item in query(self._table, partition_of("FLAKYTESTS", pipeline), "", limit=_MOST_FLAKY):
            data = json.loads(item["case"])
            found.append(FlakyCase(**{**data, "seen_at": datetime.fromisoformat(data["seen_at"])}))
        return sorted(found, key=lambda case: (case.treatment, case.name))


def _key(of: ReportedAttempt) -> str:
    return ids.tests_key(of.run_id, of.treatment, of.attempt)


def _attempt_text(attempt: ReportedAttempt) -> str:
    fields = {"run_id": attempt.run_id, "treatment": attempt.treatment, "attempt": attempt.attempt}
    return json.dumps(fields, separators=(",", ":"))


def _branch_result(item: Mapping[str, Any]) -> BranchResult:
    data = json.loads(item["result"])
    return BranchResult(
        **{
            **data,
            "position": item["position"],
            "counts": CaseCounts(**data["counts"]),
            "at": datetime.fromisoformat(data["at"]),
        }
    )
