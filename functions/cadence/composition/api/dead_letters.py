"""Wiring of dead letters, for the `api` Lambda."""

from cadence.adapters.aws.alert_notifier import SqsAlertNotifier
from cadence.adapters.aws.redrive import LambdaRedrive
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.alerts.alert_rules import DynamoChannelStore
from cadence.adapters.dynamodb.exports.export_backlog import DynamoBacklog
from cadence.adapters.dynamodb.exports.export_store import DynamoExportStore
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.sqs.export_work import SqsExportWork
from cadence.application.dead_letters.sources import (
    DeadLetters,
    ExportSource,
    MessageSource,
    RecordSource,
    SegmentSource,
)
from cadence.composition.clock import now
from cadence.composition.settings import ApiSettings
from cadence.domain.dead_letters.dead_letter import DeadLetterKind


def dead_letters(its: ApiSettings, access: DynamoAccessStore) -> DeadLetters:
    asking = LambdaRedrive(its.log_indexer_function, its.search_index_function)

    def projects(organization: str) -> list[str]:
        return [project.name for project in access.list_projects(organization)]

    return DeadLetters(
        {
            DeadLetterKind.SEGMENT: SegmentSource(
                DynamoSplitCatalogue(its.logs_table), projects, S3Chunks(Buckets(its.data_bucket)).read, asking
            ),
            DeadLetterKind.RECORD: RecordSource(DynamoStrayRecords(its.logs_table, its.data_bucket), asking),
            DeadLetterKind.EXPORT: ExportSource(
                DynamoExportStore(its.access_table),
                DynamoBacklog(its.telemetry_table),
                SqsExportWork(its.exporting_queue_url),
                now,
            ),
            DeadLetterKind.MESSAGE: MessageSource(
                DynamoChannelStore(its.alerts_table),
                DynamoOutbox(its.alerts_table),
                SqsAlertNotifier(its.alerting_queue_url, its.alert_deliveries_function),
            ),
        }
    )
