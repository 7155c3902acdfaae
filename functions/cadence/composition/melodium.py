"""Wiring of Mélodium's API."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.lambda_log_stream import LambdaLogStream
from cadence.adapters.caching.ttl_cached_pools import CachedPools
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.melodium.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.melodium.sealed_workers import SealedWorkers
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oci_registry import OciRegistries
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.documents import S3Documents
from cadence.adapters.s3.report_masks import S3ReportMasks
from cadence.adapters.s3.uploads import S3Uploads, upload_key
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate
from cadence.application.access.token_uses import NoteTokenUses
from cadence.application.melodium.access import WaitForWorker
from cadence.application.melodium.pin_worker_images import PinWorkerImages
from cadence.application.melodium.processes import Processes
from cadence.application.melodium.record_start import RecordStart
from cadence.application.melodium.report import ReportProcess
from cadence.application.melodium.start_worker import RequestWorker
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.start_run import StartRun
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.machines import state_machines
from cadence.domain.access.access import Principal

_REGISTRY_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class EngineApi:
    """One use case for each request of an engine; `authenticate` returns the principal of a token.

    `audited(operation, path, address)` records what is changed or refused.
    """

    authenticate: Callable[[str | None], Principal]
    audited: Callable[[str, str, str], AuditedRequest]
    processes: Processes
    record_start: RecordStart
    start_worker: RequestWorker
    access: WaitForWorker
    report: ReportProcess
    tunnel_url: str


def engine_api() -> EngineApi:
    config = settings.load(settings.MelodiumSettings)
    access = DynamoAccessStore(config.access_table)
    runs = DynamoRunStore(config.runs_table)
    reported = DynamoReportedStore(config.runs_table)
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    processes = Processes(runs)
    end = EndProcess(runs=runs, treatments=runs, reported=reported, clock=now)
    sealed = SealedWorkers(config.runners_table, KmsCipher(config.secrets_key))
    return EngineApi(
        authenticate=Authenticate(access, now, NoteTokenUses(DynamoTokenUses(config.access_table))).authenticate,
        audited=partial(AuditedRequest, DynamoAuditTrail(config.access_table), now),
        processes=processes,
        record_start=RecordStart(
            runs=runs,
            reported=reported,
            directory=access,
            documents=S3Documents(client("s3"), config.data_bucket),
            deadlines=deadlines,
            log_stream=LambdaLogStream(config.log_stream_function),
            clock=now,
        ),
        start_worker=_request_worker(config, runs, reported, access, sealed),
        access=WaitForWorker(
            runs=runs,
            treatments=runs,
            runners=DynamoRunnerStore(config.runners_table),
            secrets=sealed,
            reported=reported,
            clock=now,
            sleep=time.sleep,
        ),
        report=ReportProcess(
            processes=processes,
            reported=reported,
            uploads=S3Uploads(config.data_bucket, upload_key(config.uploads_key_id, config.uploads_key_secret)),
            end=end,
            deadlines=deadlines,
            clock=now,
        ),
        tunnel_url=config.live_url,
    )


def _request_worker(
    config: settings.MelodiumSettings,
    runs: DynamoRunStore,
    reported: DynamoReportedStore,
    access: DynamoAccessStore,
    sealed: SealedWorkers,
) -> RequestWorker:
    machines = state_machines(config)
    start = StartRun(runs, gates.run_gates(config, runs, machines), SqsDeadlines(config.deadlines_queue_url), now)
    documents = S3Documents(client("s3"), config.data_bucket)
    # An engine waits for the answer.
    reach = EgressPolicy.of(config.outbound_hosts, "outbound hosts")
    registries = OciRegistries(reach, attempts=1, seconds=_REGISTRY_SECONDS)
    pin = PinWorkerImages(registries, config.loopback_registries == "resolved")
    masks = S3ReportMasks(client("s3"), config.data_bucket)
    return RequestWorker(
        runs=runs,
        reported=reported,
        directory=access,
        pools=CachedPools(access),
        secrets=sealed,
        documents=documents,
        start=start,
        clock=now,
        pin=pin.pin,
        masks=masks,
    )
