"""Wiring of reports about where the data of runs lies."""

from datetime import timedelta

from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.deletion.hold_store import DynamoHoldStore
from cadence.adapters.dynamodb.deletion.run_records import DynamoRunRecords
from cadence.adapters.dynamodb.values.cache_uses import DynamoCacheUses
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.object_places import S3ObjectPlaces
from cadence.application.values.locate_run_data import LocateRunData
from cadence.application.values.manage_retention import ManageRetention
from cadence.composition.shared.settings import ApiSettings


def run_data(config: ApiSettings, retention: ManageRetention) -> LocateRunData:
    def kept(organization: str, project: str) -> timedelta:
        return timedelta(days=retention.get(organization, project).days)

    return LocateRunData(
        records=DynamoRunRecords(
            {
                "runs": config.runs_table,
                "runners": config.runners_table,
                "logs": config.logs_table,
                "telemetry": config.telemetry_table,
            }
        ),
        places=S3ObjectPlaces(Buckets.of(config.data_bucket, config.value_buckets)),
        retentions=DynamoValueRetentionStore(config.runs_table),
        caches=DynamoCacheUses(config.runners_table),
        audit=DynamoAuditTrail(config.access_table),
        holds=DynamoHoldStore(config.access_table).list,
        kept=kept,
        longest=timedelta(days=int(config.retention_days)),
    )
