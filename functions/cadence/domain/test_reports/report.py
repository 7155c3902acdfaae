"""The reports of a treatment's attempts, as they are stored."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cadence.domain.test_reports.case import CaseCounts, CaseOutcome, ReportedCase

MOST_NAMED = 20
"""Tests that a treatment's report names itself; all are in the reports of its attempts."""
_LONGEST_NAME = 300
_NAMED = ("new_failures", "flaky_failures", "other_failures")


@dataclass(frozen=True, kw_only=True)
class AttemptReport:
    """The report of one attempt. `problem` says what could not be read; None if nothing is missing."""

    attempt: int
    counts: CaseCounts = field(default_factory=CaseCounts)
    problem: str | None = None

    @property
    def readable(self) -> bool:
        """Whether there is anything in it."""
        return self.problem is None or self.counts.total > 0


@dataclass(frozen=True, kw_only=True)
class CaseName:
    """A test by its name and the place that its report gives."""

    name: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class TreatmentReport:
    """The reports of a treatment: of its attempts, in order, of which the last readable one counts.

    `base_run` is the run whose results its failures were compared with. The named tests are those of the last attempt;
    `other_failures` are those that failed on the base, too, or that were compared with nothing.
    """

    run_id: str
    treatment: str
    attempts: Sequence[AttemptReport] = ()
    base_run: str | None = None
    new_failures: Sequence[CaseName] = ()
    flaky_failures: Sequence[CaseName] = ()
    other_failures: Sequence[CaseName] = ()

    @property
    def last(self) -> AttemptReport | None:
        """The report of the last attempt that has one that can be read."""
        return next((one for one in reversed(self.attempts) if one.readable), None)

    @property
    def counts(self) -> CaseCounts:
        """The counts of the last attempt."""
        return self.last.counts if self.last else CaseCounts()


@dataclass(frozen=True, kw_only=True)
class BranchResult:
    """The newest results of a treatment on a branch. `position` orders runs by time."""

    treatment: str
    run_id: str
    position: str
    attempt: int
    counts: CaseCounts
    at: datetime


@dataclass(frozen=True, kw_only=True)
class FlakyCase:
    """A test of a pipeline that passed and failed although nothing had changed; `run_id` is where it did last."""

    treatment: str
    name: str
    run_id: str
    seen_at: datetime


def named(cases: Iterable[ReportedCase]) -> Sequence[CaseName]:
    """Returns the names of the first tests."""
    first = list(cases)[:MOST_NAMED]
    return tuple(CaseName(name=case.name[:_LONGEST_NAME], file=case.file, line=case.line) for case in first)


def total(reports: Iterable[TreatmentReport]) -> CaseCounts:
    """Returns the counts of several treatments together."""
    counts = CaseCounts()
    for report in reports:
        counts = counts.plus(report.counts)
    return counts


def encode_cases(cases: Iterable[ReportedCase]) -> bytes:
    """Returns tests as compressed JSON; fields that have their defaults are left out."""
    rows = [{name: value for name, value in _fields(case).items() if value != _DEFAULTS.get(name)} for case in cases]
    return gzip.compress(json.dumps(rows, separators=(",", ":"), default=str).encode(), mtime=0)


def decode_cases(content: bytes) -> list[ReportedCase]:
    """Returns what `encode_cases` wrote."""
    return [
        ReportedCase(**{**row, "outcome": CaseOutcome(row["outcome"])}) for row in json.loads(gzip.decompress(content))
    ]


def report_json(report: TreatmentReport) -> dict[str, Any]:
    """Returns a report as JSON data."""
    return asdict(report)


def report_of(data: Mapping[str, Any]) -> TreatmentReport:
    """Returns what `report_json` returned."""
    attempts = tuple(AttemptReport(**{**one, "counts": CaseCounts(**one["counts"])}) for one in data["attempts"])
    lists = {key: tuple(CaseName(**one) for one in data[key]) for key in _NAMED}
    return TreatmentReport(**{**data, **lists, "attempts": attempts})


def _fields(case: ReportedCase) -> dict[str, Any]:
    return {name: getattr(case, name) for name in ReportedCase.__dataclass_fields__}


_DEFAULTS: Mapping[str, Any] = {
    "seconds": 0.0,
    "file": None,
    "line": None,
    "message": "",
    "unstable": False,
    "new": None,
    "flaky": False,
    "quarantined": False,
}
