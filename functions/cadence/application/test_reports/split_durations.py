"""Fixes the durations by which the instances of one run divide a suite between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cadence.application.test_reports.branches import branch_of, repository_of
from cadence.application.test_reports.ports import DurationStore, PipelineScope
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Run
from cadence.domain.test_reports.durations import combined


@dataclass(frozen=True, kw_only=True)
class FixDurations:
    """Gives every instance of a run the same durations, at whatever time it asks."""

    store: DurationStore

    def of(self, run: Run, spec: TreatmentSpec) -> Mapping[str, float]:
        """Returns seconds by place; none for a treatment that takes no share, or if nothing was measured yet.

        The first instance that asks decides. A rerun or replay divides the suite as the run that it repeats, since it
        may take over the other instances' results.
        """
        if spec.split is None:
            return {}
        group = spec.group or spec.name
        known = self.store.run_durations(run.run_id, group)
        if known is not None:
            return known
        repeated = self.store.run_durations(run.values_from, group) if run.values_from else None
        durations = self._measured(run, group) if repeated is None else repeated
        return self.store.fix_run_durations(run.run_id, group, durations)

    def _measured(self, run: Run, group: str) -> Mapping[str, float]:
        """Returns the newest durations on the base branch, or of any branch of the repository if it has none."""
        pipeline = PipelineScope(organization=run.organization, project=run.project, pipeline=run.pipeline)
        base = branch_of(run).base
        found = self.store.branch_durations(pipeline, base, group) if base else ()
        return combined(found or self.store.newest_durations(pipeline, repository_of(run), group))
