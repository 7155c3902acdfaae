"""Wiring of the provider for self-registered hosts."""

from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.adapters.sqs.work_notification import SqsWorkNotification
from cadence.application.shared.run_ports import Machines
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.machines import state_machines
from cadence.providers.contract import Provider
from cadence.providers.host.provider import HostProvider
from cadence.providers.lifecycle import ReleaseRunner, StartRunner
from cadence.providers.operations import Operations


def provider_host() -> tuple[Operations, Machines]:
    config = settings.load(settings.ProviderHostSettings)
    runs = DynamoRunStore(config.runs_table)
    runners = DynamoRunnerStore(config.runners_table)
    hosts = DynamoHostStore(config.runners_table)
    work_notification = SqsWorkNotification(config.work_notification_prefix)
    machines = state_machines(config)

    def provider(organization: str, pool: str) -> Provider:
        return HostProvider(
            organization=organization,
            pool=pool,
            runners=runners,
            hosts=hosts,
            work_notification=work_notification,
            clock=now,
        )

    start = StartRunner(
        runs=runs,
        treatments=runs,
        runners=runners,
        machines=machines,
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        providers=provider,
        clock=now,
    )
    return Operations(
        start=start, release=ReleaseRunner(runners=runners, providers=provider), providers=provider
    ), machines
