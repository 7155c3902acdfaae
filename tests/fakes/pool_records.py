"""`PoolRecords` in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.placement.ports import PoolProbe, SweepResult

Key = tuple[str, str]


@dataclass
class MemoryPoolRecords:
    since: dict[Key, dict[str, datetime]] = field(default_factory=dict)
    runners: dict[Key, set[str]] = field(default_factory=dict)
    charged: set[tuple[str, str, str]] = field(default_factory=set)
    probes: dict[Key, PoolProbe] = field(default_factory=dict)
    sweeps: dict[Key, SweepResult] = field(default_factory=dict)

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        return dict(self.since.get((organization, pool), {}))

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None:
        self.since.setdefault((organization, pool), {})[ref] = at

    def unmark(self, organization: str, pool: str, ref: str) -> None:
        self.since.get((organization, pool), {}).pop(ref, None)

    def note_active(self, organization: str, pool: str, runner_id: str, at: datetime) -> None:
        self.runners.setdefault((organization, pool), set()).add(runner_id)

    def note_ended(self, organization: str, pool: str, runner_id: str) -> None:
        if (organization, pool, runner_id) not in self.charged:
            self.runners.get((organization, pool), set()).discard(runner_id)

    def active(self, organization: str, pool: str) -> Sequence[str]:
        return sorted(self.runners.get((organization, pool), set()))

    def note_probe(self, organization: str, pool: str, probe: PoolProbe, of: str = "") -> None:
        self.probes[organization, pool + of] = probe

    def probe(self, organization: str, pool: str, of: str = "") -> PoolProbe | None:
        return self.probes.get((organization, pool + of))

    def note_sweep(self, organization: str, pool: str, result: SweepResult) -> None:
        self.sweeps[organization, pool] = result

    def sweep(self, organization: str, pool: str) -> SweepResult | None:
        return self.sweeps.get((organization, pool))
