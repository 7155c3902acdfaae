"""Wiring of the log indexer."""

from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.index_logs import IndexLogs
from cadence.composition import settings


def log_indexer() -> IndexLogs:
    its = settings.load(settings.LogIndexerSettings)
    return IndexLogs(DynamoLogIndex(its.logs_table), S3LogSegments(its.data_bucket))
