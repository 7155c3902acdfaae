"""Wiring of what runs and treatments wait for: concurrency limits, quotas, approvals."""

from typing import Protocol

from cadence.adapters.aws.retry import pause
from cadence.adapters.caching.ttl_cache import CachedQuotas
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.limits.approvals import DynamoApprovalStore
from cadence.adapters.dynamodb.limits.concurrency_limits import DynamoConcurrencyLimitStore
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.application.limits.approvals import TreatmentApprovals
from cadence.application.limits.concurrency_limits import ConcurrencyLimits
from cadence.application.limits.run_gates import RunGates
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.shared.run_ports import Machines
from cadence.composition.shared.clock import now


class GateSettings(Protocol):
    @property
    def access_table(self) -> str: ...
    @property
    def runs_table(self) -> str: ...
    @property
    def deadlines_queue_url(self) -> str: ...


def run_gates(config: GateSettings, runs: DynamoRunStore, machines: Machines) -> RunGates:
    return RunGates(
        runs=runs, machines=machines, concurrency_limits=_concurrency_limits(config), quotas=_quotas(config), clock=now
    )


def runner_slots(config: GateSettings, runs: DynamoRunStore, machines: Machines) -> RunnerSlots:
    return RunnerSlots(runs, machines, _concurrency_limits(config), _quotas(config))


def approvals(config: GateSettings, runs: DynamoRunStore, machines: Machines) -> TreatmentApprovals:
    environments = DynamoEnvironmentStore(config.access_table)
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    return TreatmentApprovals(
        runs=runs,
        treatments=runs,
        store=DynamoApprovalStore(config.runs_table),
        environments=environments,
        machines=machines,
        deadlines=deadlines,
        clock=now,
    )


def _concurrency_limits(config: GateSettings) -> ConcurrencyLimits:
    return ConcurrencyLimits(
        DynamoConcurrencyLimitStore(config.runs_table), SqsDeadlines(config.deadlines_queue_url), now, pause
    )


def _quotas(config: GateSettings) -> CachedQuotas:
    return CachedQuotas(DynamoAccessStore(config.access_table))
