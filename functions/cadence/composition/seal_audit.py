"""Wiring of the Lambda `seal_audit`."""

from cadence.adapters.aws.clients import client
from cadence.adapters.caching.ttl_cache import CachedSubscriptions
from cadence.adapters.dynamodb.access.audit_chain import DynamoAuditChain
from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore
from cadence.adapters.s3.audit_archive import NoAuditArchive, S3AuditArchive
from cadence.adapters.sqs.events import SqsEvents
from cadence.application.access.ports import AuditArchive
from cadence.application.access.seal_audit import SealAudit
from cadence.composition.shared import settings
from cadence.domain.exports.event import Audience


def seal_audit() -> SealAudit:
    config = settings.load(settings.SealAuditSettings)
    archive: AuditArchive = NoAuditArchive()
    if config.audit_bucket:
        archive = S3AuditArchive(client("s3"), config.audit_bucket)
    return SealAudit(
        chain=DynamoAuditChain(config.access_table),
        archive=archive,
        subscriptions=CachedSubscriptions(DynamoSubscriptionStore(config.access_table)),
        events=SqsEvents({Audience.EXPORTING: config.exporting_queue_url}),
    )
