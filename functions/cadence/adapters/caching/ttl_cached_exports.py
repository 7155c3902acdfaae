"""An organization's exports, remembered for a moment: every event needs them."""

import time
from collections.abc import Callable, Sequence

from cadence.application.exports.ports import ExportStore
from cadence.domain.exports.export import Export

SECONDS = 5.0


class CachedExports:
    def __init__(self, exports: ExportStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._exports, self._clock = exports, clock
        self._known: dict[str, tuple[float, Sequence[Export]]] = {}

    def list_exports(self, organization: str) -> Sequence[Export]:
        until, remembered = self._known.get(organization, (0.0, ()))
        if self._clock() < until:
            return remembered
        exports = self._exports.list_exports(organization)
        self._known[organization] = self._clock() + SECONDS, exports
        return exports
