"""Wiring of the runner gateway."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.kinesis_log_lines import KinesisLogLines
from cadence.adapters.aws.live_notifier import LiveNotifier
from cadence.adapters.caching.known_specs import KnownSpecs
from cadence.adapters.caching.ttl_cached_pools import CachedPools
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.id_token_keys import SigningIdTokenKeys
from cadence.adapters.dynamodb.access.kms_secrets import KmsSecretStore
from cadence.adapters.dynamodb.access.shared_keys import DynamoSharedKeys
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.melodium.sealed_workers import SealedWorkers
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runners.samples import DynamoSampleStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.runs.step_reports import DynamoStepReports
from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.adapters.dynamodb.runs.watches import DynamoRunWatches
from cadence.adapters.dynamodb.test_reports.durations import DynamoDurations
from cadence.adapters.dynamodb.values.caches import DynamoCacheStore
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oidc_tokens import OidcTokens
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.presigned import S3DataUrls
from cadence.adapters.s3.removal import S3Removal
from cadence.adapters.s3.report_masks import S3ReportMasks
from cadence.adapters.s3.sent_lines import S3SentLines
from cadence.adapters.s3.summary_texts import S3SummaryTexts
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.adapters.sqs.wake_ups import SqsWakeUps
from cadence.adapters.sqs.work_notification import SqsWorkNotification
from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate
from cadence.application.access.token_uses import NoteTokenUses
from cadence.application.logs.accept_logs import AcceptLogs
from cadence.application.melodium.engine_secrets import ReadEngineSecrets, RevokeEngineToken
from cadence.application.melodium.note_listening import NoteListening
from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.runners.claim import ClaimAssignment
from cadence.application.runners.complete import Complete
from cadence.application.runners.exchange_identity import ExchangeIdentity
from cadence.application.runners.heartbeat import Heartbeat
from cadence.application.runners.hosts import JoinPool
from cadence.application.runners.input_streams import InputStreams
from cadence.application.runners.inputs import ReadInput
from cadence.application.runners.lease_work import LeaseWork
from cadence.application.runners.outputs import CommitOutput
from cadence.application.runners.renew_id_token import RenewIdToken
from cadence.application.runners.report_boot import ReportBoot
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import claim_key
from cadence.application.runners.shells import PermittedShells
from cadence.application.runners.take_offer import TakeOffer
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.runner_ports import Host
from cadence.application.shared.storage import ReserveStorage
from cadence.application.test_reports.split_durations import FixDurations
from cadence.application.values.caches import FindCache, ReadCache, SaveCache, WriteCache
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.readiness import treatment_readiness
from cadence.composition.shared.secret_sources import secret_sources
from cadence.domain.access.access import Principal
from cadence.domain.values.cache import CacheLimits

_FLOWS_EVERY = 1.0  # seconds
_CLAIM_KEYS = "CLAIMKEYS"


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One use case for each request of an agent or a host; `authenticate` returns the principal of a join token.

    `audited(operation, path, address)` records what is refused.
    """

    authenticate: Callable[[str | None], Principal]
    audited: Callable[[str, str, str], AuditedRequest]
    join: JoinPool
    lease: LeaseWork
    report_boot: ReportBoot
    exchange: ExchangeIdentity
    take_offer: TakeOffer
    claim: ClaimAssignment
    session: RunnerSessions
    heartbeat: Heartbeat
    renew_id_token: RenewIdToken
    accept_logs: AcceptLogs
    commit_output: CommitOutput
    read_input: ReadInput
    note_listening: NoteListening
    complete: Complete
    find_cache: FindCache
    read_cache: ReadCache
    save_cache: SaveCache
    write_cache: WriteCache
    tunnel_url: str


def gateway() -> Gateway:
    config = settings.load(settings.RunnerGatewaySettings)
    access = DynamoAccessStore(config.access_table)
    runs = DynamoRunStore(config.runs_table)
    runners = DynamoRunnerStore(config.runners_table)
    streams = DynamoStreamStore(config.runners_table)
    hosts = DynamoHostStore(config.runners_table)
    machines = state_machines(config)
    buckets = Buckets.of(config.data_bucket, config.value_buckets)
    urls, chunks = S3DataUrls(buckets), S3Chunks(buckets)
    specs = KnownSpecs(runs.get_spec)
    step_reports = DynamoStepReports(config.runs_table)
    sources = InputStreams(treatments=runs, values=runs, streams=streams)
    wake_ups = SqsWakeUps(config.wake_ups_queue_url)
    readiness = treatment_readiness(config, runs, machines)
    begin = MarkStarted(runs, readiness, machines)
    slots = gates.runner_slots(config, runs, machines)
    settle = Settle(
        ended=lambda _: None,  # `Complete` itself calls it
        treatments=runs,
        values=runs,
        runners=runners,
        readiness=readiness,
        slots=slots,
        provider_function_prefix=config.provider_function_prefix,
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        clock=now,
    )
    environments = DynamoEnvironmentStore(config.access_table)
    id_tokens = SigningIdTokenKeys(config.access_table, KmsCipher(config.secrets_key))
    token_lifetime = timedelta(seconds=int(config.id_token_seconds))
    caches = DynamoCacheStore(config.runners_table)
    limits = CacheLimits(int(config.cache_mebibytes) << 20, int(config.project_cache_mebibytes) << 20)
    ledger = DynamoStorageLedger(config.runners_table, timedelta(days=int(config.retention_days)))
    storage = ReserveStorage(ledger, int(config.project_storage_mebibytes) << 20, now)
    read_input = ReadInput(specs, streams, sources, urls)
    audit, sessions = DynamoAuditTrail(config.access_table), RunnerSessions(runners)
    authenticate = Authenticate(access, now, NoteTokenUses(DynamoTokenUses(config.access_table)))
    tokens = RunTokens(access, now)
    secrets = KmsSecretStore(config.access_table, config.secrets_key)
    shared_keys = DynamoSharedKeys(KmsCipher(config.secrets_key))

    def claim_key_of(host: Host) -> str:
        return claim_key(shared_keys.key(_CLAIM_KEYS), host.host_id, host.token_hash)

    return Gateway(
        authenticate=authenticate.authenticate,
        audited=partial(AuditedRequest, audit, now),
        join=JoinPool(hosts, access, audit, now),
        lease=LeaseWork(
            hosts=hosts,
            runners=runners,
            machines=machines,
            work_notification=SqsWorkNotification(config.work_notification_prefix),
            claim_key=claim_key_of,
            clock=now,
        ),
        report_boot=ReportBoot(runners, machines),
        exchange=ExchangeIdentity(runners, access, OidcTokens(EgressPolicy.of(config.git_hosts))),
        take_offer=TakeOffer(runners=runners, hosts=hosts, claim_key=claim_key_of, clock=now),
        claim=ClaimAssignment(
            treatments=runs,
            runners=runners,
            secrets=secrets,
            sources=secret_sources(config, secrets),
            environments=environments,
            machines=machines,
            begin=begin,
            engine_secrets=ReadEngineSecrets(
                SealedWorkers(config.runners_table, KmsCipher(config.secrets_key)),
                tokens,
                urls,
                S3ReportMasks(client("s3"), config.data_bucket),
            ).read,
            pools=CachedPools(access),
            retentions=DynamoValueRetentionStore(config.runs_table),
            inputs=read_input.first_chunks,
            note_spec=specs.note,
            durations=FixDurations(store=DynamoDurations(config.runs_table)).of,
            audit=audit,
            id_tokens=id_tokens,
            token_lifetime=token_lifetime,
            clock=now,
        ),
        session=sessions,
        heartbeat=Heartbeat(
            specs=specs,
            runners=runners,
            sources=sources,
            samples=DynamoSampleStore(config.runners_table),
            step_reports=step_reports,
            clock=now,
            permitted_shells=PermittedShells(authenticate, runs).of,
        ),
        renew_id_token=RenewIdToken(
            treatments=runs,
            environments=environments,
            audit=audit,
            id_tokens=id_tokens,
            clock=now,
            token_lifetime=token_lifetime,
        ),
        accept_logs=AcceptLogs(KinesisLogLines(config.log_stream_name, S3SentLines(buckets).store), now),
        commit_output=CommitOutput(
            specs=specs,
            runners=runners,
            streams=streams,
            urls=urls,
            wake_ups=wake_ups,
            reserve=storage.reserve,
            stored=chunks.stored,
            notify=LiveNotifier(
                config.live_function, DynamoRunWatches(config.logs_table).are_watching, "flows", pause=_FLOWS_EVERY
            ).notify,
        ),
        read_input=read_input,
        note_listening=NoteListening(specs, runners),
        complete=Complete(
            sessions,
            runners,
            settle,
            machines,
            RevokeEngineToken(specs, runs, tokens).revoke,
            DynamoSummaries(config.runs_table, S3SummaryTexts(buckets, DynamoValueRetentionStore(config.runs_table))),
            step_reports,
        ),
        find_cache=FindCache(caches, now),
        read_cache=ReadCache(caches, urls),
        save_cache=SaveCache(runs, caches, now),
        write_cache=WriteCache(
            caches=caches,
            remove_objects=S3Removal(buckets).remove,
            stored=chunks.stored,
            stored_sizes=chunks.sizes,
            urls=urls,
            limits=limits,
            clock=now,
        ),
        tunnel_url=config.live_url,
    )
