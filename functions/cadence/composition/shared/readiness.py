"""What starts the consumers of a treatment, for the Lambdas that settle treatments."""

from typing import Protocol

from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.sqs.wake_ups import SqsWakeUps
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.run_ports import Machines
from cadence.composition.shared.clock import now


class _Settings(Protocol):
    """What a Lambda's settings have to name."""

    @property
    def runs_table(self) -> str: ...

    @property
    def wake_ups_queue_url(self) -> str: ...


def treatment_readiness(config: _Settings, runs: DynamoRunStore, machines: Machines) -> Readiness:
    return Readiness(
        runs=runs,
        treatments=runs,
        values=runs,
        edges=runs,
        groups=DynamoGroupStore(config.runs_table),
        machines=machines,
        wake_ups=SqsWakeUps(config.wake_ups_queue_url),
        clock=now,
    )
