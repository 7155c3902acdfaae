"""Port for requesting that a code host is told about a commit."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cadence.domain.runs.run import Run


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

    @classmethod
    def of(cls, run: Run) -> "ReportRequest | None":
        """Returns the request to report on a run; None for one that is not reported by itself.

        That is a run without a commit of a connected repository, a replay, and a generated run, whose result is part of
        the report on the run that it belongs to.
        """
        repository_id = run.event.get("repository_id")
        if not isinstance(repository_id, str) or not run.commit or run.replay_of is not None or run.generated:
            return None
        return cls(repository_id=repository_id, commit=run.commit, run_id=run.run_id)


class CommitReports(Protocol):
    """Requests reports. A request only says that a process looks: what is reported is read when it does."""

    def request(self, request: ReportRequest, after: timedelta = timedelta()) -> None:
        """Requests a report, which takes place at least once, not sooner than `after` (at most 15 minutes)."""
