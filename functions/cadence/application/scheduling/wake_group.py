"""Reacts to changes that concern a group: more of its value exists, or one of its instances ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.treatment_queries import in_order
from cadence.application.shared.run_ports import GroupStore, TreatmentStore
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.outcome_text import PAST
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.group import first_failed
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class WakeGroup:
    """Takes the next step of a group."""

    treatments: TreatmentStore
    groups: GroupStore
    grow: ExpandEach
    end: EndTreatment
    readiness: Readiness

    def wake(self, run_id: str, group: str, *, failed: bool) -> None:
        """Expands an `each` group, and ends the unfinished instances of a group that fails fast.

        Safe to repeat, also at the same time. `failed` means that one of the group's instances failed.
        """
        try:
            stored = self.treatments.get_treatment(run_id, group)
        except NotFound:
            return
        if stored.kind is TreatmentKind.EACH:
            if failed and not stored.state.final:
                self._give_up(stored)
            growth = self.grow.expand(run_id, group)
            if growth.failure and not stored.state.final:
                self._give_up(stored)
        elif failed and not stored.state.final:
            self._give_up(stored)

    def _give_up(self, group: Treatment) -> None:
        """Ends the unfinished instances if the group is to fail fast."""
        spec = self.treatments.get_spec(group.run_id, group.name)
        if not spec.fail_fast:
            return
        instances = self._instances(group, spec)
        first = first_failed(instances)
        failed = first is not None and not first.soft_failed
        failure = f"{first.name} {PAST[first.state]}" if first and failed else self._own_failure(group)
        if failure is None:
            return
        if group.kind is TreatmentKind.EACH:
            self.grow.close(group.run_id, group.name)
            instances = self._instances(group, spec)
        for instance in instances:
            if not instance.state.final:
                self._cancel(instance, f"cancelled because {failure} (fail_fast)")
            elif instance.state is TreatmentState.CANCELLED:
                # The call that cancelled it may have been interrupted before it notified the consumers.
                self.readiness.settled(instance)

    def _instances(self, group: Treatment, spec: TreatmentSpec) -> Sequence[Treatment]:
        names = spec.instances
        if group.kind is TreatmentKind.EACH:
            names = tuple(self.groups.get_growth(group.run_id, group.name).names())
        return in_order(self.treatments, group.run_id, names)

    def _own_failure(self, group: Treatment) -> str | None:
        return self.groups.get_growth(group.run_id, group.name).failure if group.kind is TreatmentKind.EACH else None

    def _cancel(self, instance: Treatment, reason: str) -> None:
        cancelled = self.treatments.request_cancel(instance.run_id, instance.name, reason)
        if self.end.end(cancelled, cancelled.cancel_reason or reason):
            self.readiness.settled(self.treatments.get_treatment(instance.run_id, instance.name))
