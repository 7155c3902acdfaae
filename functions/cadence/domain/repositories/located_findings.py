"""Findings of a pipeline's file as the cause of a run, and their places read out of it again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cadence.domain.pipelines.document import Finding, Severity

_MOST_FINDINGS = 5
_LINE = re.compile(r"(\.cadence/[^:\n]{1,200}):(\d{1,7}):(\d{1,7}): (.+)")


@dataclass(frozen=True, kw_only=True)
class LocatedFinding:
    """A finding in a file of a repository. Lines and columns count from one."""

    path: str
    line: int
    column: int
    message: str


def located(path: str, findings: Sequence[Finding]) -> str:
    """Returns findings as the cause of a run, a line for each with its place; errors only, the first five."""
    errors = [finding for finding in findings if finding.severity == Severity.ERROR] or list(findings)
    lines = [
        f"{path}:{finding.line}:{finding.column}: {' '.join(finding.message.split())}"
        for finding in errors[:_MOST_FINDINGS]
    ]
    if len(errors) > _MOST_FINDINGS:
        lines.append(f"and {len(errors) - _MOST_FINDINGS} more")
    return "\n".join(lines)


def read_located(cause: str) -> Sequence[LocatedFinding]:
    """Returns the findings in a cause that `located` made; none of any other cause."""
    found = (_LINE.fullmatch(line) for line in cause.splitlines())
    return [
        LocatedFinding(path=match[1], line=max(int(match[2]), 1), column=max(int(match[3]), 1), message=match[4])
        for match in found
        if match
    ]
