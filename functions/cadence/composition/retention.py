"""Wiring of the `retention` Lambda."""

from datetime import timedelta

from cadence.adapters.dynamodb.values.old_runs import DynamoOldRuns
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.removal import S3Removal
from cadence.application.values.remove_old_runs import RemoveOldRuns
from cadence.composition import settings
from cadence.composition.clock import now


def remove_old_runs() -> RemoveOldRuns:
    its = settings.load(settings.RetentionSettings)
    return RemoveOldRuns(
        DynamoOldRuns(its.logs_table, its.runs_table),
        S3Removal(Buckets.of(its.data_bucket, its.value_buckets)).remove,
        now,
        timedelta(days=int(its.retention_days)),
    )
