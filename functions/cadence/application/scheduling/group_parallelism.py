"""Groups that let only some of their instances be under way at a time."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cadence.application.shared.run_ports import GroupStore
from cadence.domain.scheduling.group import InstanceSlots
from cadence.domain.shared.errors import Conflict, Transient

_ATTEMPTS = 30


@dataclass(frozen=True)
class GroupParallelism:
    """Both calls are safe to repeat, also after the caller ended before it used the answer."""

    groups: GroupStore

    def enter(self, run_id: str, group: str, instance: str) -> bool:
        """Whether `instance` may be under way now; if not, it waits for a place."""
        _, after = self._change(run_id, group, lambda places: places.entered(instance))
        return instance in after.under_way

    def leave(self, run_id: str, group: str, instance: str) -> Sequence[str]:
        """Gives the instance's place up. Returns those that are under way instead; if it was given up before, all that are."""
        before, after = self._change(run_id, group, lambda places: places.left(instance))
        if after == before:
            return after.under_way
        return [name for name in after.under_way if name not in before.under_way]

    def _change(
        self, run_id: str, group: str, change: Callable[[InstanceSlots], InstanceSlots]
    ) -> tuple[InstanceSlots, InstanceSlots]:
        for attempt in range(_ATTEMPTS):
            seen = self.groups.get_places(run_id, group)
            after = change(seen)
            if after == seen:
                return seen, seen
            try:
                self.groups.save_places(run_id, group, seen, after)
            except Conflict:  # many instances of a matrix become ready, or end, at the same time
                time.sleep(random.uniform(0, min(0.4, 0.005 * 2**attempt)))
                continue
            return seen, after
        raise Transient(f"the places of group {group} are being changed by others")
