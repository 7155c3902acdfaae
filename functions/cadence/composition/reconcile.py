"""Wiring of the Lambda `reconcile`."""

from cadence.adapters.aws.commit_report_requests import LambdaCommitReports
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.sqs.deliveries import SqsDeliveryQueue
from cadence.application.repositories.reconcile import ReconcileRepositories, RecordHeads
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.repositories import open_repository


def reconcile_repositories() -> ReconcileRepositories:
    config = settings.load(settings.ReconcileSettings)
    repositories, heads = DynamoRepositoryStore(config.repositories_table), DynamoHeads(config.repositories_table)
    return ReconcileRepositories(
        repositories=repositories,
        open_repository=open_repository(config.repositories_table, config.git_hosts, KmsCipher(config.secrets_key)),
        heads=heads,
        record_heads=RecordHeads(heads=heads, clock=now),
        # Its deliveries are small: none is put into the bucket.
        deliveries=SqsDeliveryQueue(config.deliveries_queue_url, ""),
        report_store=DynamoCommitReports(config.repositories_table),
        reports=LambdaCommitReports(config.commit_reports_function, config.deliveries_queue_url),
        clock=now,
    )
