"""Wiring of Mélodium's API."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cadence.adapters.aws import client
from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.lambda_log_stream import LambdaLogStream
from cadence.adapters.s3_documents import S3Documents
from cadence.adapters.s3_uploads import S3Uploads, upload_key
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.application.authenticate import Authenticate
from cadence.application.melodium.access import NoAccess
from cadence.application.melodium.end_process import EndProcess
from cadence.application.melodium.ports import Access, StartWorker
from cadence.application.melodium.processes import Processes
from cadence.application.melodium.record_start import RecordStart
from cadence.application.melodium.report import Report
from cadence.application.melodium.start_worker import RefuseWorkers
from cadence.composition import settings
from cadence.domain.access import Principal


@dataclass(frozen=True)
class EngineApi:
    """One use case for each thing that an engine may ask; `authenticate` says whose token it has."""

    authenticate: Callable[[str | None], Principal]
    processes: Processes
    record_start: RecordStart
    start_worker: StartWorker
    access: Access
    report: Report


def engine_api() -> EngineApi:
    its = settings.load(settings.MelodiumSettings)
    access = DynamoAccessStore(its.access_table)
    runs = DynamoRunStore(its.runs_table)
    reported = DynamoReportedStore(its.runs_table)
    deadlines = SqsDeadlines(its.deadlines_queue_url)
    processes = Processes(runs)
    end = EndProcess(runs, reported, _now)
    return EngineApi(
        authenticate=Authenticate(access, _now),
        processes=processes,
        record_start=RecordStart(
            runs,
            reported,
            access,
            S3Documents(client("s3"), its.data_bucket),
            deadlines,
            LambdaLogStream(its.log_stream_function),
            _now,
        ),
        start_worker=RefuseWorkers(),
        access=NoAccess(),
        report=Report(
            processes,
            reported,
            S3Uploads(its.data_bucket, upload_key(its.uploads_key_id, its.uploads_key_secret)),
            end,
            deadlines,
            _now,
        ),
    )


def _now() -> datetime:
    return datetime.now(UTC)
