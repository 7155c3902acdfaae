"""Finds out which runs are replays; a process remembers it, since it never changes."""

from dataclasses import dataclass, field

from cadence.application.shared.run_ports import RunStore
from cadence.domain.shared.errors import NotFound

_MOST = 10_000


@dataclass
class ReplayFilter:
    """Remembers which runs are replays."""

    runs: RunStore
    known: dict[str, bool] = field(default_factory=dict)

    def includes(self, run_id: str) -> bool:
        """Returns True if the run is a replay; a run that is gone is none."""
        if run_id not in self.known:
            if len(self.known) >= _MOST:
                self.known.clear()
            try:
                self.known[run_id] = self.runs.get_run(run_id).replay_of is not None
            except NotFound:
                self.known[run_id] = False
        return self.known[run_id]
