"""Lists the runs that came of a run: those it started, its reruns and its replays."""

from dataclasses import dataclass

from cadence.application.provenance.ports import FollowingRun, ProvenanceStore
from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import RunStore
from cadence.domain.runs.run import Run


@dataclass(frozen=True)
class ListFollowing:
    """Lists following runs."""

    runs: RunStore
    provenance: ProvenanceStore

    def list(self, run: Run, limit: int, after: str | None = None) -> Page[tuple[FollowingRun, Run]]:
        """Returns those of its own project, in the order of their ids."""
        page = self.provenance.following_runs(run.run_id, limit, after)
        known = self.runs.get_runs(following.run_id for following in page.items)
        visible = [
            (following, other)
            for following in page.items
            if (other := known.get(following.run_id))
            and (other.organization, other.project) == (run.organization, run.project)
        ]
        return Page(visible, page.after)
