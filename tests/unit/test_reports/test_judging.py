"""What is said of failed tests: new, flaky, in quarantine."""

from cadence.domain.test_reports.case import CaseCounts, CaseOutcome, ReportedCase, counted, merged
from cadence.domain.test_reports.judging import judged, unstable_names
from cadence.domain.test_reports.report import (
    AttemptReport,
    TreatmentReport,
    decode_cases,
    encode_cases,
    named,
    report_json,
    report_of,
)

PASSED, FAILED, SKIPPED, ERROR = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED, CaseOutcome.ERROR


def case(name: str, outcome: CaseOutcome = PASSED, seconds: float = 0.0) -> ReportedCase:
    return ReportedCase(name=name, outcome=outcome, seconds=seconds)


def test_a_failure_is_new_unless_it_failed_on_the_base() -> None:
    base = [case("a", FAILED), case("b"), case("c", SKIPPED)]

    found = judged([case("a", FAILED), case("b", ERROR), case("c", FAILED), case("d", FAILED), case("e")], base, (), ())

    assert [one.new for one in found] == [False, True, True, True, None]


def test_without_a_base_it_is_not_known_whether_a_failure_is_new() -> None:
    assert [one.new for one in judged([case("a", FAILED)], None, (), ())] == [None]


def test_flaky_and_quarantined_failures_are_not_new() -> None:
    cases = [case("t.api::slow", FAILED), case("t.api::slow[2]", FAILED), case("t.db::x", FAILED), case("t.db::y")]

    found = judged(cases, [], {"t.db::x", "t.db::y"}, ("t.api::slow*",))

    assert [(one.new, one.flaky, one.quarantined) for one in found] == [
        (False, False, True),
        (False, False, True),
        (False, True, False),
        (None, True, False),
    ]
    assert counted(found) == CaseCounts(total=4, passed=1, failed=3, known_flaky=1, quarantined=2)


def test_patterns_have_one_wildcard_only() -> None:
    (found,) = judged([case("a[1]", FAILED)], [], (), ("a[*]",))
    (other,) = judged([case("a1", FAILED)], [], (), ("a[1]", "a.", "a?"))

    assert found.quarantined and not other.quarantined


def test_a_test_that_is_tried_again_counts_once_and_is_unstable_if_its_outcome_changed() -> None:
    found = merged([case("a", FAILED, 1), case("b", PASSED, 2), case("a", PASSED, 3), case("b", PASSED, 4)])

    assert [(one.name, one.outcome, one.unstable, one.seconds) for one in found] == [
        ("a", PASSED, True, 4),
        ("b", PASSED, False, 6),
    ]


def test_different_outcomes_of_the_same_work_are_flaky() -> None:
    first, second = [case("a", FAILED), case("b"), case("c", FAILED)], [case("a"), case("b"), case("c", ERROR)]

    assert unstable_names([first, second, [case("b", SKIPPED)]]) == {"a"}
    assert unstable_names([merged([case("a", FAILED), case("a")])]) == {"a"}


def test_counts_add_up() -> None:
    cases = [case("a", FAILED, 0.25), case("b", ERROR, 0.5), case("c", SKIPPED), case("d", PASSED, 1)]
    counts = counted(cases)

    assert counts == CaseCounts(total=4, passed=1, failed=1, errors=1, skipped=1, seconds=1.75)
    assert counts.failing == 2
    assert counts.plus(counts) == CaseCounts(total=8, passed=2, failed=2, errors=2, skipped=2, seconds=3.5)


def test_what_is_stored_is_read_again() -> None:
    cases = [
        ReportedCase(name="a", outcome=FAILED, file="t.py", line=3, message="no\nway", new=True, flaky=True),
        case("b"),
    ]
    report = TreatmentReport(
        run_id="01a",
        treatment="test",
        attempts=(AttemptReport(attempt=1, counts=counted(cases), problem="cut"),),
        base_run="01b",
        new_failures=named(cases[:1]),
    )

    assert decode_cases(encode_cases(cases)) == cases
    assert report_of(report_json(report)) == report


def test_the_last_readable_attempt_counts() -> None:
    read = AttemptReport(attempt=1, counts=CaseCounts(total=3, passed=3))
    unreadable = AttemptReport(attempt=2, problem="is no XML")
    report = TreatmentReport(run_id="01a", treatment="test", attempts=[read, unreadable])

    assert report.last == read and report.counts.total == 3
    assert TreatmentReport(run_id="01a", treatment="test", attempts=[unreadable]).counts == CaseCounts()
