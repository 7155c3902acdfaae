"""`Offers` and a `WorkNotification` in memory."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.application.shared.runner_ports import WorkNotificationUrl
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.states import PLACEABLE, TreatmentState
from cadence.domain.shared.errors import Conflict
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.runs import MemoryRunStore


@dataclass
class MemoryOffers:
    """Each call is atomic."""

    runs: MemoryRunStore
    runners: MemoryRunnerStore
    offered: set[str] = field(default_factory=set)

    def offer(self, runner: Runner, noted: Mapping[str, Any]) -> None:
        stored = self.runners.runners.get(runner.runner_id)
        if stored is not None:
            elsewhere = stored.state is RunnerState.BOOTING and stored.pool != runner.pool
            if stored.cancel_reason or not (stored.state is RunnerState.OFFERED or elsewhere):
                raise Conflict(f"runner {runner.runner_id} is {stored.state}")
        self.runs.advance(
            runner.run_id,
            runner.treatment,
            runner.attempt,
            PLACEABLE,
            TreatmentState.BOOTING,
            pool=runner.pool,
            placed_at=runner.created_at,
            **noted,
        )
        if stored is None:
            self.runners.created.append(runner.runner_id)
        self.runners.runners[runner.runner_id] = dataclasses.replace(runner)
        self.offered.add(runner.runner_id)


@dataclass
class MemoryWorkNotification:
    rings: list[str] = field(default_factory=list)

    def ring(self, organization: str, pool: str) -> None:
        self.rings.append(pool)

    def listen(self, organization: str, pool: str) -> WorkNotificationUrl:
        return WorkNotificationUrl("http://work_notification.invalid/", 20)
