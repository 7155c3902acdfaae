"""Wiring of the log indexer."""

from functools import lru_cache

from cadence.adapters.dynamodb.connections import DynamoConnections
from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.live_bell import LiveBell
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.index_logs import IndexLogs
from cadence.composition import settings

_REMEMBERED_RUNS = 1_000


def log_indexer() -> IndexLogs:
    its = settings.load(settings.LogIndexerSettings)
    # Of a run only what never changes is looked at, so it may be remembered.
    run_of = lru_cache(_REMEMBERED_RUNS)(DynamoRunStore(its.runs_table).get_run)
    bell = LiveBell(its.live_function, DynamoConnections(its.logs_table))
    return IndexLogs(DynamoLogIndex(its.logs_table), S3LogSegments(its.data_bucket), run_of, bell)
