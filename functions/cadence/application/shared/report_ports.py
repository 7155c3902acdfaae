"""Port for requesting that a code host is told about a commit."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """A request to bring what the code host shows about a commit up to date.

    `run_id` is a run of the commit that may be new. `attempt` counts refusals in a row; a `deferred` request was
    delayed because another process reported on the commit.
    """

    repository_id: str
    commit: str
    run_id: str | None = None
    attempt: int = 0
    deferred: bool = False


class CommitReports(Protocol):
    """Requests reports. A request only says that a process looks: what is reported is read when it does."""

    def request(self, request: ReportRequest, after: timedelta = timedelta()) -> None:
        """Requests a report, which takes place at least once, not sooner than `after` (at most 15 minutes)."""
