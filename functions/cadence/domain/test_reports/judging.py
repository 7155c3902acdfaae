"""Judges tests: new failures against a base, flaky ones by executions of the same work, quarantined ones by name."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from cadence.domain.test_reports.case import CaseOutcome, ReportedCase


def judged(
    cases: Iterable[ReportedCase],
    base: Iterable[ReportedCase] | None,
    flaky: Collection[str],
    quarantine: Sequence[str],
) -> list[ReportedCase]:
    """Returns the tests with what is known of their failures. `base` are those of the base branch, None for none.

    A failure that is flaky or quarantined is not new, since the change did not cause it.
    """
    failing_before = None if base is None else {case.name for case in base if case.outcome.failing}
    expressions = [_expression(pattern) for pattern in quarantine]
    found = []
    for case in cases:
        is_flaky = case.name in flaky
        if not case.outcome.failing:
            found.append(replace(case, flaky=True) if is_flaky else case)
            continue
        quarantined = any(expression.fullmatch(case.name) for expression in expressions)
        unexpected = not is_flaky and not quarantined
        new = None if failing_before is None else unexpected and case.name not in failing_before
        found.append(replace(case, new=new, flaky=is_flaky, quarantined=quarantined))
    return found


def unstable_names(executions: Iterable[Sequence[ReportedCase]]) -> set[str]:
    """Returns the tests that passed in one execution of the same work and failed in another, or did both in one."""
    outcomes: dict[str, set[bool]] = {}
    found: set[str] = set()
    for cases in executions:
        for case in cases:
            if case.unstable:
                found.add(case.name)
            if case.outcome is not CaseOutcome.SKIPPED:
                outcomes.setdefault(case.name, set()).add(case.outcome.failing)
    return found | {name for name, seen in outcomes.items() if len(seen) > 1}


def work_digest(parts: Mapping[str, object]) -> str:
    """Returns the SHA-256 of everything that decides what a treatment does: equal work has equal digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _expression(pattern: str) -> re.Pattern[str]:
    """Returns a pattern of names, in which * stands for any characters."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
