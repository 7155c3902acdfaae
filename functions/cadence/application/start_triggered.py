"""Starts runs of stored pipelines that nobody waits for: of webhooks, schedules and other pipelines' ends."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.frozen import Frozen
from cadence.application.invalid_document import InvalidDocument
from cadence.application.pipelines import FreezePipeline, frozen_version
from cadence.application.plan_run import PlanRun
from cadence.application.start_run import StartRun
from cadence.domain.errors import InvalidRequest, NotFound
from cadence.domain.planning import told
from cadence.domain.run import Run
from cadence.domain.versions import PipelineVersion


@dataclass(frozen=True)
class StartTriggered:
    """Always leaves a run: one that cannot be made (a secret was deleted, an expression has no value) has failed, saying why."""

    freeze: FreezePipeline
    plan: PlanRun
    start: StartRun

    def __call__(
        self,
        run_id: str,
        version: PipelineVersion,
        event: Mapping[str, Any],
        created_by: str,
        given: Mapping[str, Any] | None = None,
    ) -> Run:
        """`given` are parameters beside the defaults. Safe to repeat with the same `run_id`.

        A version whose plan every run has in common is not looked into again, so that its runs start at once.
        """
        frozen = frozen_version(version)
        try:
            planned = self._planned(run_id, version, event, given or {})
        except InvalidDocument as error:
            return self.start.failed(run_id, self._with(frozen, given), event, created_by, told(error.findings))
        except (InvalidRequest, NotFound) as error:
            return self.start.failed(run_id, self._with(frozen, given), event, created_by, error.message)
        return self.start(run_id, planned, event, created_by)

    def _planned(
        self, run_id: str, version: PipelineVersion, event: Mapping[str, Any], given: Mapping[str, Any]
    ) -> Frozen:
        if version.plan_sha256 and not given:
            return frozen_version(version)
        return self.plan(run_id, self.freeze.of(version, given), event)

    @staticmethod
    def _with(frozen: Frozen, given: Mapping[str, Any] | None) -> Frozen:
        return replace(frozen, plan_sha256="", parameters={**frozen.parameters, **(given or {})})
