"""Removes transient content: that of pools that capture digests, or nothing, once all treatments that read it have
ended.

The end of a treatment requests a look (`Deadlines.watch_values`); the run's own end requests one at everything that is
left. An agent that was given up may still hold addresses to upload to, so a run is looked at once more when those have
expired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, EdgeStore, RunStore, TreatmentStore
from cadence.application.shared.storage import StorageLedger
from cadence.application.shared.value_ports import AttemptRetention, ValueRetentionStore
from cadence.application.shared.workers import Workers, several_at_once
from cadence.application.values.storage import RemovedObjects, release
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.value_retention import ValueCapture

# Longer than any address to upload to is valid.
_LATE_UPLOADS = timedelta(hours=3)
_GROUPS = frozenset({TreatmentKind.GATHER, TreatmentKind.EACH})


@dataclass(frozen=True, kw_only=True)
class PurgeTransientValues:
    """Removes transient content of runs."""

    runs: RunStore
    treatments: TreatmentStore
    edges: EdgeStore
    retentions: ValueRetentionStore
    remove_values: Callable[[str], RemovedObjects]
    """Removes every object whose address begins with the argument; returns what there was."""
    storage: StorageLedger
    deadlines: Deadlines
    clock: Clock
    workers: Workers = several_at_once

    def purge(self, run_id: str, treatment: str | None = None) -> int:
        """Removes what the end of `treatment` (None: of the run) releases. Safe to repeat.

        Returns the number of removed objects.
        """
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            return 0
        treatments = None if run.state.final or treatment is None else self._touched(run_id, treatment)
        passing = [item for item in self.retentions.list(run_id, treatments) if item.retention.passes]
        removed = sum(self.workers(lambda item: self._remove(run, item), passing))
        if passing and run.state.final:
            self.deadlines.watch_late_values(run_id, _LATE_UPLOADS)
        return removed

    def late(self, run_id: str) -> int:
        """Removes what arrived after the run's end; returns the number of removed objects."""
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            return 0
        due = (run.finished_at or self.clock()) + _LATE_UPLOADS
        if self.clock() < due:
            self.deadlines.watch_late_values(run_id, due - self.clock())
            return 0
        passing = [item for item in self.retentions.list(run_id) if item.retention.passes]
        return sum(self.workers(lambda item: self._remove(run, item), passing))

    def _touched(self, run_id: str, treatment: str) -> Sequence[str] | None:
        """Returns the treatment and those that it read from; None for all, as a group reads from all its instances."""
        spec = self.treatments.get_spec(run_id, treatment)
        if spec.kind in _GROUPS:
            return None
        return sorted({treatment, *(port.source_treatment for port in spec.inputs if port.source_treatment)})

    def _remove(self, run: Run, item: AttemptRetention) -> int:
        if not run.state.final and not self._read_by_all(run.run_id, item.treatment):
            return 0
        retention = item.retention
        removed = self.remove_values(ids.attempt_prefix(run.run_id, item.treatment, item.attempt, retention.bucket))
        count = release(self.storage, run.organization, run.project, removed)
        if retention.capture is ValueCapture.NONE:
            self.retentions.forget_digests(run.run_id, item.treatment, item.attempt)
        return count

    def _read_by_all(self, run_id: str, producer: str) -> bool:
        if not self.treatments.get_treatment(run_id, producer).state.final:
            return False
        consumers = {edge.consumer for edge in self.edges.edges_from(run_id, producer)}
        for consumer in consumers:
            stored = self.treatments.get_treatment(run_id, consumer)
            if not stored.state.final and (stored.kind in _GROUPS or self._reads(run_id, consumer, producer)):
                return False
        return True

    def _reads(self, run_id: str, consumer: str, producer: str) -> bool:
        return any(port.source_treatment == producer for port in self.treatments.get_spec(run_id, consumer).inputs)
