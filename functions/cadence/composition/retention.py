"""Wiring of the `retention` Lambda."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.adapters.dynamodb.deletion.held_items import DynamoHeldItems
from cadence.adapters.dynamodb.deletion.hold_store import DynamoHoldStore
from cadence.adapters.dynamodb.values.old_runs import DynamoOldRuns
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.removal import S3Removal
from cadence.adapters.s3.renewal import S3Renewal
from cadence.application.deletion.keep_held import KeepHeld
from cadence.application.values.remove_old_runs import RemoveOldRuns
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


@dataclass(frozen=True)
class Retaining:
    """What the Lambda uses."""

    held: KeepHeld
    old_runs: RemoveOldRuns


def retaining() -> Retaining:
    config = settings.load(settings.RetentionSettings)
    most = timedelta(days=int(config.retention_days))
    buckets = Buckets.of(config.data_bucket, config.value_buckets)
    storage = DynamoStorageLedger(config.runners_table, most)
    holds = DynamoHoldStore(config.access_table)
    held = KeepHeld(
        store=holds,
        items=DynamoHeldItems(
            {
                "logs": config.logs_table,
                "runners": config.runners_table,
                "runs": config.runs_table,
                "telemetry": config.telemetry_table,
            },
            buckets.others,
        ),
        objects=S3Renewal(buckets),
        storage=storage,
        clock=now,
        longest=most,
    )
    old_runs = RemoveOldRuns(
        runs=DynamoOldRuns(config.logs_table, config.runs_table),
        remove_values=S3Removal(buckets).remove_values,
        storage=storage,
        clock=now,
        longest=most,
        holds=holds.list_on,
    )
    return Retaining(held, old_runs)
