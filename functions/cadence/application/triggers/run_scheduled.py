"""Starts the run of a schedule that fired, once for each time, or removes a schedule that its pipeline dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.pipelines.ports import PipelineStore, Schedules
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.triggers import Schedule


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One firing of a schedule.

    `scheduled_at` is the time that the expression means (UTC); `digest` identifies the schedule within the pipeline.
    """

    organization: str
    project: str
    pipeline: str
    digest: str
    scheduled_at: datetime


@dataclass(frozen=True)
class RunScheduled:
    """Starts the runs of schedules."""

    pipelines: PipelineStore
    schedules: Schedules
    start: StartTriggered

    def run(self, firing: Firing) -> Sequence[str]:
        """Returns the ids of the started runs.

        The same firing, delivered twice or by two expressions, leads to the same run. A schedule is kept before the
        version that has it is stored, and fires no sooner than that is done. So one that the newest version does not
        have is left over from a crash or from a version that was replaced.
        """
        version, entry = self._entry(firing)
        if version is None or entry is None:
            self.schedules.remove(firing.organization, firing.project, firing.pipeline, firing.digest)
            return ()
        at = firing.scheduled_at.replace(second=0, microsecond=0)
        run_id = derived_ulid(at, firing.organization, firing.project, firing.pipeline, firing.digest)
        event = {
            "kind": "schedule",
            "cron": entry.cron,
            "timezone": entry.timezone,
            "scheduled_at": at.isoformat().replace("+00:00", "Z"),
        }
        return (self.start.start_triggered(run_id, version, event, "schedule", entry.parameters).run_id,)

    def _entry(self, firing: Firing) -> tuple[PipelineVersion | None, Schedule | None]:
        try:
            version = self.pipelines.newest(firing.organization, firing.project, firing.pipeline)
        except NotFound:
            return None, None
        return version, next(
            (schedule for schedule in version.triggers.schedule if schedule.digest == firing.digest), None
        )
