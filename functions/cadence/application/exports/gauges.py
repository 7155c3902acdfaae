"""Gauges of the exports of an organization."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cadence.application.exports.ports import Backlog, ExportStore
from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import gauge


@dataclass(frozen=True)
class ExportGauges:
    exports: ExportStore
    backlog: Backlog

    def read(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        visible = [
            export
            for export in self.exports.list_exports(organization)
            if whole or set(export.projects) <= set(projects)
        ]
        found = [({"export": one.name, "kind": str(one.kind)}, self.backlog.standing(one)) for one in visible]
        return [
            gauge(catalog.EXPORT_PENDING, ((labels, standing.pending) for labels, standing in found)),
            gauge(catalog.EXPORT_DEAD, ((labels, standing.dead) for labels, standing in found)),
            gauge(catalog.EXPORT_FAILING, ((labels, float(standing.failing)) for labels, standing in found)),
        ]
