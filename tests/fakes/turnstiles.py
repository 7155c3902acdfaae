"""`TurnstileStore` in memory."""

import dataclasses
from collections.abc import Sequence

from cadence.domain.limits.turnstile import ConcurrencyLimit, LaneKey, LimitEntry
from cadence.domain.shared.errors import Conflict


class MemoryTurnstileStore:
    """Each call is atomic."""

    def __init__(self) -> None:
        self.turnstiles: dict[str, ConcurrencyLimit] = {}
        self.places: dict[tuple[str, str], LimitEntry] = {}

    def get(self, scope: str, holder: str | None = None) -> tuple[ConcurrencyLimit | None, LimitEntry | None]:
        return self.turnstiles.get(scope), self.places.get((scope, holder)) if holder else None

    def commit(self, turnstile: ConcurrencyLimit, put: Sequence[LimitEntry], removed: Sequence[LimitEntry]) -> None:
        stored = self.turnstiles.get(turnstile.scope)
        if (stored.version if stored else 0) != turnstile.version:
            raise Conflict(f"turnstile {turnstile.scope} is no longer as it was read")
        for place in removed:
            del self.places[turnstile.scope, place.holder]
        for place in put:
            self.places[turnstile.scope, place.holder] = place
        self.turnstiles[turnstile.scope] = dataclasses.replace(turnstile, version=turnstile.version + 1)

    def first_waiting(self, scope: str, lane: LaneKey, limit: int) -> Sequence[LimitEntry]:
        return [place for place in self.waiting(scope, len(self.places)) if place.lane == lane][:limit]

    def waiting(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        found = [place for (where, _), place in self.places.items() if where == scope and not place.inside]
        return sorted(found, key=lambda place: (-place.priority, place.project, place.ticket))[:limit]

    def inside(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        return [place for (where, _), place in sorted(self.places.items()) if where == scope and place.inside][:limit]
