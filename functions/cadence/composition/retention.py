"""Wiring of the `retention` Lambda."""

from datetime import timedelta

from cadence.adapters.dynamodb.values.old_runs import DynamoOldRuns
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.removal import S3Removal
from cadence.application.values.remove_old_runs import RemoveOldRuns
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def remove_old_runs() -> RemoveOldRuns:
    config = settings.load(settings.RetentionSettings)
    most = timedelta(days=int(config.retention_days))
    return RemoveOldRuns(
        DynamoOldRuns(config.logs_table, config.runs_table),
        S3Removal(Buckets.of(config.data_bucket, config.value_buckets)).remove_values,
        DynamoStorageLedger(config.runners_table, most),
        now,
        most,
    )
