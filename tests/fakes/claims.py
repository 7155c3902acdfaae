"""`Claims` in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from cadence.application.placement.ports import MachineClaim


@dataclass
class MemoryClaims:
    kept: dict[tuple[str, str, str], MachineClaim] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def claim(self, organization: str, pool: str, ref: str, runner_id: str, at: datetime) -> bool:
        key = (organization, pool, ref)
        with self.lock:
            if key in self.kept and self.kept[key].runner_id != runner_id:
                return False
            self.kept[key] = MachineClaim(runner_id, at)
            return True

    def claimed(self, organization: str, pool: str) -> Mapping[str, MachineClaim]:
        with self.lock:
            return {ref: claim for (*at, ref), claim in self.kept.items() if at == [organization, pool]}

    def forget(self, organization: str, pool: str, ref: str) -> None:
        with self.lock:
            self.kept.pop((organization, pool, ref), None)
