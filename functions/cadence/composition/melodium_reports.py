"""Wiring of the Lambda `melodium_reports`, which processes the uploads of engines."""

import time
from datetime import timedelta

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.kinesis_log_lines import KinesisLogLines
from cadence.adapters.dynamodb.melodium.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.melodium.engine_turns import DynamoTurns
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.engine_reports.models import JsonModels
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.engine_reports import S3Parts, S3Uploaded
from cadence.adapters.s3.sent_lines import S3SentLines
from cadence.application.melodium.link_engines import LinkEngines
from cadence.application.melodium.take_events import TakeEvents, stored_models
from cadence.application.melodium.take_logs import TakeLogs
from cadence.application.melodium.take_upload import TakeUpload
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.ports import EngineStream
from cadence.application.shared.storage import ReserveStorage
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def take_upload() -> TakeUpload:
    config = settings.load(settings.MelodiumReportsSettings)
    runs = DynamoRunStore(config.runs_table)
    reported = DynamoReportedStore(config.runs_table)
    store = client("s3")
    parts = S3Parts(store, config.data_bucket)
    codec = JsonModels()
    link = LinkEngines(
        runs=runs, values=runs, parts=parts, model_of=stored_models(parts, codec), answered=reported.answered
    )
    ledger = DynamoStorageLedger(config.runners_table, timedelta(days=int(config.retention_days)))
    events = TakeEvents(
        treatments=runs,
        values=runs,
        parts=parts,
        chunks=S3Chunks(Buckets(config.data_bucket)),
        reported=reported,
        codec=codec,
        link=link,
        storage=ReserveStorage(ledger, int(config.project_storage_mebibytes) << 20, now),
        clock=now,
    )
    # An engine never runs in a pool with a bucket of its own.
    lines = KinesisLogLines(config.log_stream_name, S3SentLines(Buckets(config.data_bucket)).store)
    return TakeUpload(
        runs=runs,
        uploaded=S3Uploaded(store, config.data_bucket),
        parts=parts,
        turns=DynamoTurns(config.runs_table),
        take_in={EngineStream.LOGS: TakeLogs(parts, lines, reported, now).take, EngineStream.DEBUG: events.take},
        note_workers=link.note_workers,
        end=EndProcess(runs=runs, treatments=runs, reported=reported, clock=now),
        clock=now,
        pause=time.sleep,
    )
