"""Wiring of the Lambda `sweep`."""

from cadence.adapters.aws.lambda_provider_calls import LambdaProviderCalls
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.application.placement.sweep_pools import SweepPools
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def sweep_pools() -> SweepPools:
    config = settings.load(settings.SweepSettings)
    return SweepPools(
        DynamoAccessStore(config.access_table).swept_pools,
        DynamoPoolRecords(config.runners_table),
        LambdaProviderCalls(config.provider_function_prefix),
        now,
    )
