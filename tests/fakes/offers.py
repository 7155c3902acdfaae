"""`Offers` and a `WorkNotification` in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.shared.runner_ports import WorkNotificationUrl
from cadence.domain.runners.runner import Runner
from tests.fakes.runners import MemoryRunnerStore


@dataclass
class MemoryOffers:
    runners: MemoryRunnerStore
    offered: set[str] = field(default_factory=set)

    def put_offer(self, runner: Runner, at: datetime) -> None:
        self.offered.add(runner.runner_id)


@dataclass
class MemoryWorkNotification:
    rings: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    def ring(self, organization: str, pool: str, runner_id: str | None = None) -> None:
        self.rings.append(pool)
        self.named += [runner_id] if runner_id else []

    def listen(self, organization: str, pool: str) -> WorkNotificationUrl:
        return WorkNotificationUrl("http://work_notification.invalid/", 20)
