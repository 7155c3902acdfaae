"""Starts runs of stored pipelines without a waiting caller: for webhooks, schedules and ends of other runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.pipelines.store_pipelines import FreezePipeline, frozen_version
from cadence.application.runs.start_run import NO_ANCESTRY, Ancestry, StartRun
from cadence.domain.pipelines.planning import event_values, told
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, NotFound


@dataclass(frozen=True)
class StartTriggered:
    """Always creates a run.

    One that cannot be made (a secret was deleted, an expression has no value) fails with the cause.
    """

    freeze: FreezePipeline
    plan: PlanRun
    start: StartRun

    def start_triggered(
        self,
        run_id: str,
        version: PipelineVersion,
        event: Mapping[str, Any],
        created_by: str,
        given: Mapping[str, Any] | None = None,
        ancestry: Ancestry = NO_ANCESTRY,
    ) -> Run:
        """Starts a run and returns it. Safe to repeat with the same `run_id`.

        `given` are parameters besides the defaults, with expressions over the event. A version whose plan is the same
        for every run is not checked again, so that its runs start at once.
        """
        try:
            planned = self._planned(run_id, version, event, given or {})
        except InvalidDocument as error:
            cause = told(error.findings)
        except (InvalidRequest, NotFound) as error:
            cause = error.message
        else:
            return self.start.start(run_id, planned, event, created_by, ancestry)
        unplanned = replace(frozen_version(version, given), plan_sha256="")
        return self.start.failed(run_id, unplanned, event, created_by, cause, ancestry)

    def _planned(
        self, run_id: str, version: PipelineVersion, event: Mapping[str, Any], given: Mapping[str, Any]
    ) -> RunRequest:
        if version.plan_sha256 and not given:
            return frozen_version(version)
        values = event_values(given, event)
        if values.findings:
            raise InvalidDocument(values.findings)
        return self.plan.plan(run_id, self.freeze.of(version, values.values), event)
