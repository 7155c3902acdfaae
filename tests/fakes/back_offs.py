"""`BackOffs` in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from cadence.domain.placement.back_off import BackOff


@dataclass
class MemoryBackOffs:
    kept: dict[tuple[str, str, str], BackOff] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def get(self, organization: str, pool: str, offer: str) -> BackOff | None:
        return self.kept.get((organization, pool, offer))

    def of_pool(self, organization: str, pool: str) -> Sequence[BackOff]:
        return [one for key, one in sorted(self.kept.items()) if key[:2] == (organization, pool)]

    def replace(self, organization: str, pool: str, seen: BackOff | None, new: BackOff) -> bool:
        key = (organization, pool, new.offer)
        with self.lock:
            current = self.kept.get(key)
            if (current and (current.at, current.until)) != (seen and (seen.at, seen.until)):
                return False
            self.kept[key] = new
            return True

    def forget(self, organization: str, pool: str, offer: str, before: datetime) -> None:
        key = (organization, pool, offer)
        with self.lock:
            if key in self.kept and self.kept[key].at < before:
                del self.kept[key]
