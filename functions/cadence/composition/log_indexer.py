"""Wiring of the log indexer."""

import logging
from functools import lru_cache, partial

from cadence.adapters.aws.live_notifier import LiveNotifier
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.logs.project_log_use import DynamoProjectLogUse
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.search.connections import DynamoConnections
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.sent_lines import S3SentLines
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.limit_logs import LimitLogs
from cadence.application.logs.take_records import KeepStrayRecord, RedriveRecords, TakeRecords
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.domain.logs.log import LogQuota

_REMEMBERED_RUNS = 1_000


def log_indexer() -> tuple[TakeRecords, RedriveRecords]:
    config = settings.load(settings.LogIndexerSettings)
    # Only a run's constant fields are used, so it may be remembered.
    run_of = lru_cache(_REMEMBERED_RUNS)(DynamoRunStore(config.runs_table).get_run)
    notifier = LiveNotifier(config.live_function, DynamoConnections(config.logs_table).are_there, "lines")
    quota = LogQuota(int(config.log_mebibytes) << 20, int(config.project_log_mebibytes) << 20)
    index = IndexLogs(
        DynamoLogIndex(config.logs_table),
        S3LogSegments(config.data_bucket, value_buckets=config.value_buckets),
        run_of,
        notifier.notify,
        LimitLogs(quota, DynamoProjectLogUse(config.logs_table), now),
    )
    records = DynamoStrayRecords(config.logs_table, config.data_bucket)
    report = partial(log_fault, logging.getLogger("cadence.log_indexer"))
    take = TakeRecords(
        sent_lines=S3SentLines(Buckets.of(config.data_bucket, config.value_buckets)),
        index=index,
        keep_stray_record=KeepStrayRecord(records, run_of, now, report),
        clock=now,
        report=report,
    )
    return take, RedriveRecords(records, take)
