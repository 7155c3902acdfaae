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
from cadence.composition.shared.clock import now
from cadence.composition.shared.settings import ApiSettings
from cadence.domain.dead_letters.dead_letter import DeadLetterKind


def dead_letters(config: ApiSettings, access: DynamoAccessStore) -> DeadLetters:
    asking = LambdaRedrive(config.log_indexer_function, config.search_index_function)

    def projects(organization: str) -> list[str]:
        return [project.name for project in access.list_projects(organization)]

    return DeadLetters(
        {
            DeadLetterKind.SEGMENT: SegmentSource(
                DynamoSplitCatalogue(config.logs_table), projects, S3Chunks(Buckets(config.data_bucket)).read, asking
            ),
            DeadLetterKind.RECORD: RecordSource(DynamoStrayRecords(config.logs_table, config.data_bucket), asking),
            DeadLetterKind.EXPORT: ExportSource(
                DynamoExportStore(config.access_table),
                DynamoBacklog(config.telemetry_table),
                SqsExportWork(config.exporting_queue_url),
                now,
            ),
            DeadLetterKind.MESSAGE: MessageSource(
                DynamoChannelStore(config.alerts_table),
                DynamoOutbox(config.alerts_table),
                SqsAlertNotifier(config.alerting_queue_url, config.alert_deliveries_function),
            ),
        }
    )
