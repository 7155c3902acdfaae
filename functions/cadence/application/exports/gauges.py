"""Reads the gauges of an organization's exports."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cadence.application.exports.ports import Backlog, ExportStore
from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import gauge


@dataclass(frozen=True)
class ExportGauges:
    """Implements `GaugeSource` for exports."""

    exports: ExportStore
    backlog: Backlog

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        """Returns pending parcels, dead letters and failures of the exports that the caller sees."""
        visible = [
            export
            for export in self.exports.list_exports(organization)
            if whole or set(export.projects) <= set(projects)
        ]
        rows = [
            ({"export": export.name, "kind": str(export.kind)}, self.backlog.standing(export)) for export in visible
        ]
        return [
            gauge(catalog.EXPORT_PENDING, ((labels, standing.pending) for labels, standing in rows)),
            gauge(catalog.EXPORT_DEAD, ((labels, standing.dead) for labels, standing in rows)),
            gauge(catalog.EXPORT_FAILING, ((labels, float(standing.failing)) for labels, standing in rows)),
        ]
