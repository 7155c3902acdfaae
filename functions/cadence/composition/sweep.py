"""Wiring of the Lambda `sweep`."""

from cadence.adapters.aws.lambda_provider_calls import LambdaProviderCalls
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.application.placement.sweep_pools import SweepPools
from cadence.composition import settings
from cadence.composition.clock import now


def sweep_pools() -> SweepPools:
    its = settings.load(settings.SweepSettings)
    return SweepPools(
        DynamoAccessStore(its.access_table).swept_pools,
        DynamoPoolRecords(its.runners_table),
        LambdaProviderCalls(its.provider_function_prefix),
        now,
    )
