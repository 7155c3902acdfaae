"""Processes the queue `exporting`: events to count and to deliver, and the exports' own messages to go on."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.exports.backfill_export import WorkOnBackfill
from cadence.application.exports.deliver_exports import DeliverExports
from cadence.application.exports.ports import ExportStore
from cadence.application.exports.push_metrics import PushMetrics
from cadence.application.metrics.count_events import CountEvents
from cadence.application.metrics.ports import Event
from cadence.domain.exports.export import Export
from cadence.domain.shared.errors import NotFound

_COUNTED = frozenset({"treatment", "run"})


@dataclass(frozen=True, kw_only=True)
class ProcessExports:
    """Processes messages; `cached` reads the same store as `exports`, but less often."""

    count: CountEvents
    exports: ExportStore
    cached: Callable[[str], Sequence[Export]]
    deliver: DeliverExports
    push: PushMetrics
    backfill: WorkOnBackfill

    def events(self, events: Sequence[Event]) -> None:
        """Counts events and delivers them to exports. Safe to repeat: counted once, delivered at least once.

        Raises the first error of an export, after all others are done.
        """
        self.count.count([event for event in events if event["kind"] in _COUNTED])
        by_organization: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_organization[event["organization"]].append(event)
        errors: list[Exception] = []
        for organization, own_events in by_organization.items():
            for export in self.cached(organization):
                if not export.enabled:
                    continue
                try:
                    self.deliver.events(export, own_events)
                    self.push.keep_going(export)
                except Exception as error:  # noqa: BLE001 - one export's trouble must not stop the others
                    errors.append(error)
        if errors:
            raise errors[0]

    def work(self, message: Event) -> None:
        """Does the work of a message `{"work": "drain" | "push" | "backfill", …}`, unless its export is gone."""
        export = self._export(message["organization"], message["export"])
        match message["work"]:
            case "drain":
                if export is not None:
                    self.deliver.drain(export)
            case "push":
                if export is not None:
                    self.push.push_due(export, datetime.fromisoformat(message["due"]))
            case "backfill":
                self.backfill.work_on(export, message["organization"], message["export"], message["backfill"])

    def _export(self, organization: str, name: str) -> Export | None:
        try:
            export = self.exports.get_export(organization, name)
        except NotFound:
            return None
        return export if export.enabled else None
