"""Tests as reports state them, and their counts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class CaseOutcome(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"

    @property
    def failing(self) -> bool:
        """Whether the test did not do what it should."""
        return self in (CaseOutcome.FAILED, CaseOutcome.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCase:
    """One test of one attempt. `name` is `group::name`, or the name alone where the report has no group (class).

    `file` and `line` are the place that the report gives. `unstable`: the report has it several times, with different
    outcomes. The others are judgements: `new` failures did not fail on the base and are neither flaky nor
    quarantined (None: there is nothing to compare with), `flaky` tests are known to change their outcome by themselves,
    `quarantined` ones do not fail the treatment.
    """

    name: str
    outcome: CaseOutcome
    seconds: float = 0.0
    file: str | None = None
    line: int | None = None
    message: str = ""
    unstable: bool = False
    new: bool | None = None
    flaky: bool = False
    quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCounts:
    """Numbers of tests, and their time in seconds. `new` and `known_flaky` are parts of those that failed."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    new: int = 0
    known_flaky: int = 0
    quarantined: int = 0
    seconds: float = 0.0

    @property
    def failing(self) -> int:
        """The tests that failed or broke."""
        return self.failed + self.errors

    def plus(self, other: "CaseCounts") -> "CaseCounts":
        """Returns the counts of both together."""
        fields = CaseCounts.__dataclass_fields__
        sums = {name: getattr(self, name) + getattr(other, name) for name in fields}
        return CaseCounts(**{**sums, "seconds": round(sums["seconds"], 3)})


def counted(cases: Iterable[ReportedCase]) -> CaseCounts:
    """Returns the counts of tests."""
    counts = {"total": 0, "passed": 0, "failed": 0, "errors": 0, "skipped": 0, "new": 0, "flaky": 0, "quarantined": 0}
    names = {CaseOutcome.ERROR: "errors"}
    seconds = 0.0
    for case in cases:
        counts["total"] += 1
        counts[names.get(case.outcome, str(case.outcome))] += 1
        seconds += case.seconds
        if case.outcome.failing:
            counts["new"] += case.new is True
            counts["flaky"] += case.flaky
            counts["quarantined"] += case.quarantined
    return CaseCounts(known_flaky=counts.pop("flaky"), seconds=round(seconds, 3), **counts)


def merged(cases: Iterable[ReportedCase]) -> list[ReportedCase]:
    """Returns each test once, in the order of the report.

    Of a test that was tried several times the last outcome counts; it is unstable if the outcomes differ.
    """
    found: dict[str, ReportedCase] = {}
    for case in cases:
        earlier = found.get(case.name)
        if earlier is not None:
            differs = earlier.outcome.failing != case.outcome.failing and CaseOutcome.SKIPPED not in (
                earlier.outcome,
                case.outcome,
            )
            case = replace(case, unstable=earlier.unstable or differs, seconds=round(earlier.seconds + case.seconds, 6))
        found[case.name] = case
    return list(found.values())
