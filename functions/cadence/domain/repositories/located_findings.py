"""Findings of a pipeline's file as lines of the cause of a run, and their places read out of it again.

Lambdas that report to code hosts use this, so it imports nothing of documents.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(r"(\.cadence/[^:\n]{1,200}|[^:\n]{1,200}\.(?:yaml|yml|json)):(\d{1,7}):(\d{1,7}): (.+)")


@dataclass(frozen=True, kw_only=True)
class LocatedFinding:
    """A finding in a file of a repository. Lines and columns count from one."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Returns the line that `read_located` reads."""
        return f"{self.path}:{self.line}:{self.column}: {' '.join(self.message.split())}"


def read_located(cause: str) -> Sequence[LocatedFinding]:
    """Returns the findings in a cause that has them as lines; none of any other cause."""
    found = (_LINE.fullmatch(line) for line in cause.splitlines())
    return [
        LocatedFinding(path=match[1], line=max(int(match[2]), 1), column=max(int(match[3]), 1), message=match[4])
        for match in found
        if match
    ]
