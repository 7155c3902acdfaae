"""Durations of tests by their place."""

import random

from cadence.domain.test_reports.case import CaseOutcome, ReportedCase
from cadence.domain.test_reports.durations import (
    LARGEST_CONTENT,
    MOST_PLACES,
    MeasuredInstance,
    combined,
    decode_durations,
    encode_durations,
    measured,
)

PASSED, FAILED, SKIPPED = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.SKIPPED


def case(name: str, seconds: float, outcome: CaseOutcome = PASSED, file: str | None = None) -> ReportedCase:
    return ReportedCase(name=name, outcome=outcome, seconds=seconds, file=file)


def test_tests_are_summed_by_file_else_by_group() -> None:
    cases = [
        case("t.a::x", 1), case("t.a::y[1::2]", 0.5), case("z", 2, file="t/z.py"), case("plain", 3),
        case("t.b::failed", 4, FAILED, "elsewhere.py"), case("t.c::left", 9, SKIPPED),
    ]  # fmt: skip

    assert measured(cases) == {"t.a": 1.5, "t/z.py": 2, "plain": 3, "t.b": 4}


def test_of_several_measurements_the_newest_counts() -> None:
    older = MeasuredInstance(treatment="t:1", position="01", seconds={"a": 1.0, "b": 2.0})
    newer = MeasuredInstance(treatment="t:2", position="02", seconds={"b": 5.0})

    assert combined([newer, older]) == combined([older, newer]) == {"a": 1.0, "b": 5.0}
    assert combined([]) == {}


def test_only_the_longest_are_kept() -> None:
    found = measured([case(f"t{number}::x", number) for number in range(MOST_PLACES + 10)])

    assert len(found) == MOST_PLACES and "t9" not in found and "t10" in found


def test_what_is_stored_is_bounded_and_read_again() -> None:
    seeded = random.Random(1)
    large = {"".join(seeded.choices("abcdefghijklmnop/-_.0123456789", k=300)): float(n) for n in range(MOST_PLACES)}

    content = encode_durations(large)

    kept = decode_durations(content)
    assert len(content) <= LARGEST_CONTENT and kept
    assert min(kept.values()) > max(set(large.values()) - set(kept.values()))
    assert decode_durations(encode_durations({"a": 1.5})) == {"a": 1.5}
