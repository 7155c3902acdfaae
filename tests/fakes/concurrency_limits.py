"""`ConcurrencyLimitStore` in memory."""

import dataclasses
from collections.abc import Sequence

from cadence.domain.limits.concurrency_limit import ConcurrencyLimit, LaneKey, LimitEntry
from cadence.domain.shared.errors import Conflict


class MemoryConcurrencyLimitStore:
    """Each call is atomic."""

    def __init__(self) -> None:
        self.concurrency_limits: dict[str, ConcurrencyLimit] = {}
        self.places: dict[tuple[str, str], LimitEntry] = {}

    def get(self, scope: str, holder: str | None = None) -> tuple[ConcurrencyLimit | None, LimitEntry | None]:
        return self.concurrency_limits.get(scope), self.places.get((scope, holder)) if holder else None

    def commit(
        self, concurrency_limit: ConcurrencyLimit, put: Sequence[LimitEntry], removed: Sequence[LimitEntry]
    ) -> None:
        stored = self.concurrency_limits.get(concurrency_limit.scope)
        if (stored.version if stored else 0) != concurrency_limit.version:
            raise Conflict(f"concurrency limit {concurrency_limit.scope} is no longer as it was read")
        for place in removed:
            del self.places[concurrency_limit.scope, place.holder]
        for place in put:
            self.places[concurrency_limit.scope, place.holder] = place
        self.concurrency_limits[concurrency_limit.scope] = dataclasses.replace(
            concurrency_limit, version=concurrency_limit.version + 1
        )

    def first_waiting(self, scope: str, lane: LaneKey, limit: int) -> Sequence[LimitEntry]:
        return [place for place in self.waiting(scope, len(self.places)) if place.lane == lane][:limit]

    def waiting(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        found = [place for (where, _), place in self.places.items() if where == scope and not place.inside]
        return sorted(found, key=lambda place: (-place.priority, place.project, place.ticket))[:limit]

    def inside(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        return [place for (where, _), place in sorted(self.places.items()) if where == scope and place.inside][:limit]
