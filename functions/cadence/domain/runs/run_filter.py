"""Which runs a listing is about."""

from dataclasses import dataclass
from datetime import datetime

from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Conditions that all have to hold; ``None`` is no condition. ``by`` is who started the run.

    ``commit`` is the beginning of the commit's id, at least. The run was created from ``since`` to before ``until``.
    """

    state: RunState | None = None
    pipeline: str | None = None
    branch: str | None = None
    commit: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, run: Run) -> bool:
        """Whether the run meets all conditions."""
        return (
            (self.state is None or run.state is self.state)
            and (self.pipeline is None or run.pipeline == self.pipeline)
            and (self.branch is None or run.branch == self.branch)
            and (self.commit is None or (run.commit or "").startswith(self.commit.lower()))
            and (self.by is None or self.by in (run.created_by, run.starter))
            and (self.until is None or run.created_at < self.until)
            and not self.ends_at(run)
        )

    def ends_at(self, run: Run) -> bool:
        """Whether this run, and so every older one, is too old."""
        return self.since is not None and run.created_at < self.since


EVERY_RUN = RunFilter()
