"""The runs that came of a run: what it started, its reruns and replays."""

from dataclasses import dataclass

from cadence.application.provenance.ports import FollowingRun, ProvenanceStore
from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import RunStore
from cadence.domain.runs.run import Run


@dataclass(frozen=True)
class ListFollowing:
    runs: RunStore
    provenance: ProvenanceStore

    def list(self, run: Run, limit: int, after: str | None = None) -> Page[tuple[FollowingRun, Run]]:
        """Those of its own project, in the order of their ids."""
        found = self.provenance.following_runs(run.run_id, limit, after)
        known = self.runs.get_runs(one.run_id for one in found.items)
        here = [
            (one, of)
            for one in found.items
            if (of := known.get(one.run_id)) and (of.organization, of.project) == (run.organization, run.project)
        ]
        return Page(here, found.after)
