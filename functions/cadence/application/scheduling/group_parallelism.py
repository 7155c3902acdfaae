"""Limits how many instances of a group are under way at a time."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from cadence.application.shared.run_ports import GroupStore
from cadence.domain.scheduling.group import InstanceSlots
from cadence.domain.shared.errors import Conflict, Transient

_ATTEMPTS = 30


@dataclass(frozen=True)
class GroupParallelism:
    """Gives and takes slots of a group's instances.

    Both methods are safe to repeat, also after a caller that ended before it used the answer.
    """

    groups: GroupStore

    def enter(self, run_id: str, group: str, instances: Sequence[str]) -> Collection[str]:
        """Returns those of `instances` that may be under way now; the others wait for a slot, in this order.

        It takes one write however many they are: the item grows with those that wait.
        """
        _, after = self._change(run_id, group, lambda places: places.entered(instances))
        return set(instances).intersection(after.under_way)

    def leave(self, run_id: str, group: str, instance: str) -> Sequence[str]:
        """Gives up the instance's slot; returns the instances that are under way instead.

        If it was given up before, these are all instances that are under way.
        """
        before, after = self._change(run_id, group, lambda places: places.left(instance))
        if after == before:
            return after.under_way
        return [name for name in after.under_way if name not in before.under_way]

    def _change(
        self, run_id: str, group: str, change: Callable[[InstanceSlots], InstanceSlots]
    ) -> tuple[InstanceSlots, InstanceSlots]:
        for attempt in range(_ATTEMPTS):
            before = self.groups.get_places(run_id, group)
            after = change(before)
            if after == before:
                return before, before
            try:
                self.groups.save_places(run_id, group, before, after)
            except Conflict:  # many instances of a matrix become ready, or end, at the same time
                time.sleep(random.uniform(0, min(0.4, 0.005 * 2**attempt)))
                continue
            return before, after
        raise Transient(f"the places of group {group} are being changed by others")
