"""Wiring of the Lambdas that the two state machines call, and of the watchdog."""

from datetime import timedelta

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.lambda_log_stream import LambdaLogStream
from cadence.adapters.caching.last_document import LastDocument
from cadence.adapters.caching.ttl_cached_pools import CachedPools
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.kms_secrets import KmsSecretStore
from cadence.adapters.dynamodb.melodium.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.placement.back_offs import REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oci_registry import OciRegistries
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.documents import S3Documents
from cadence.adapters.s3.removal import S3Removal
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.adapters.sqs.deliveries import SqsDeliveryQueue
from cadence.adapters.sqs.wake_ups import SqsWakeUps
from cadence.adapters.sqs.work_notification import SqsWorkNotification
from cadence.application.limits.treatment_gates import TreatmentGates
from cadence.application.melodium.engine_secrets import RevokeEngineToken
from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.offer import OfferRunner
from cadence.application.placement.place import PlaceTreatment
from cadence.application.placement.reconcile_launch import ReconcileLaunch
from cadence.application.placement.unclaimed_offers import UnclaimedOffers
from cadence.application.runners.hosts import EnginesOfHosts, HostsAtWork
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.finalise import Finalise
from cadence.application.runs.pin_images import PinImages
from cadence.application.runs.run_ends import NotifyRunEnd
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.admit import Admission, Admit
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.execution_failed import ExecutionFailed
from cadence.application.scheduling.settle import Settle
from cadence.application.scheduling.stop_run import StopRun
from cadence.application.scheduling.watchdog import Watchdog
from cadence.application.shared.run_ports import Machines
from cadence.application.values.purge_transient_values import PurgeTransientValues
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.readiness import treatment_readiness
from cadence.composition.shared.secret_sources import secret_sources


def _settle(
    runs: DynamoRunStore, machines: Machines, config: settings.SettleSettings | settings.WatchdogSettings
) -> Settle:
    return Settle(
        treatments=runs,
        values=runs,
        runners=DynamoRunnerStore(config.runners_table),
        readiness=treatment_readiness(config, runs, machines),
        slots=gates.runner_slots(config, runs, machines),
        provider_function_prefix=config.provider_function_prefix,
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        clock=now,
        ended=RevokeEngineToken(runs.get_spec, runs, RunTokens(DynamoAccessStore(config.access_table), now)).revoke,
    )


def admit() -> tuple[Admit, Machines]:
    config = settings.load(settings.AdmitSettings)
    runs = DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    documents = LastDocument(S3Documents(client("s3"), config.data_bucket))
    secrets = KmsSecretStore(config.access_table, config.secrets_key)
    use_case = Admit(
        runs=runs,
        admission=Admission(treatments=runs, values=runs, documents=documents, clock=now),
        readiness=treatment_readiness(config, runs, machines),
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        log_stream=LambdaLogStream(config.log_stream_function),
        clock=now,
        pin_images=PinImages(
            runs=runs,
            documents=documents,
            registries=OciRegistries(EgressPolicy.of(config.outbound_hosts, "outbound hosts")),
            secrets=secrets,
            sources=secret_sources(config, secrets),
            resolves_loopback=config.loopback_registries == "resolved",
        ).pin,
    )
    return use_case, machines


def place() -> tuple[PlaceTreatment, TreatmentGates, Machines]:
    config = settings.load(settings.PlaceSettings)
    runs = DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    slots = gates.runner_slots(config, runs, machines)
    approvals = gates.approvals(config, runs, machines)
    turns = TreatmentGates(runs=runs, treatments=runs, machines=machines, approvals=approvals, slots=slots)
    runners = DynamoRunnerStore(config.runners_table)
    refusals = Refusals(DynamoBackOffs(config.runners_table, REFUSED), now)
    hosts = DynamoHostStore(config.runners_table)
    offer = OfferRunner(
        treatments=runs,
        runners=runners,
        offers=hosts,
        work_notification=SqsWorkNotification(config.work_notification_prefix),
        machines=machines,
    )
    use_case = PlaceTreatment(
        treatments=runs,
        pools=CachedPools(DynamoAccessStore(config.access_table)),
        gates=turns,
        offer=offer,
        take_back=ReconcileLaunch(runners, machines, config.provider_function_prefix, refusals),
        machines=machines,
        provider_function_prefix=config.provider_function_prefix,
        clock=now,
        refusals=refusals,
        engines=EnginesOfHosts(hosts, now).list,
        hosts_at_work=HostsAtWork(hosts, now).count,
    )
    return use_case, turns, machines


def settle() -> tuple[Settle, Finalise]:
    config = settings.load(settings.SettleSettings)
    runs = DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    return _settle(runs, machines, config), _finalise(runs, machines, config)


def stop_run() -> tuple[StopRun, Machines]:
    config = settings.load(settings.StopRunSettings)
    runs = DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    use_case = StopRun(
        runs=runs,
        treatments=runs,
        admission=Admission(
            treatments=runs, values=runs, documents=S3Documents(client("s3"), config.data_bucket), clock=now
        ),
        end=EndTreatment(
            treatments=runs,
            runners=DynamoRunnerStore(config.runners_table),
            machines=machines,
            slots=gates.runner_slots(config, runs, machines),
            wake_ups=SqsWakeUps(config.wake_ups_queue_url),
            stop_child=StopChildRun(runs=runs, treatments=runs, deadlines=SqsDeadlines(config.deadlines_queue_url)),
            clock=now,
        ),
        machines=machines,
        readiness=treatment_readiness(config, runs, machines),
        clock=now,
    )
    return use_case, machines


def _finalise(
    runs: DynamoRunStore, machines: Machines, config: settings.SettleSettings | settings.WatchdogSettings
) -> Finalise:
    deliveries = SqsDeliveryQueue(config.deliveries_queue_url, config.data_bucket)
    notify_run_end = NotifyRunEnd(DynamoPipelineStore(config.pipelines_table), deliveries, machines)
    return Finalise(
        runs=runs,
        treatments=runs,
        gates=gates.run_gates(config, runs, machines),
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        tell=notify_run_end.notify,
        clock=now,
    )


def watchdog() -> tuple[Watchdog, ExecutionFailed]:
    config = settings.load(settings.WatchdogSettings)
    runs, runners = DynamoRunStore(config.runs_table), DynamoRunnerStore(config.runners_table)
    machines = state_machines(config)
    run_gates, slots = gates.run_gates(config, runs, machines), gates.runner_slots(config, runs, machines)
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    finalise, settle = _finalise(runs, machines, config), _settle(runs, machines, config)
    hosts = DynamoHostStore(config.runners_table)
    looks = Watchdog(
        runs=runs,
        treatments=runs,
        runners=runners,
        runners_of=hosts.get_runners,
        machines=machines,
        deadlines=deadlines,
        settle=settle,
        finalise=finalise,
        gates=run_gates,
        slots=slots,
        approvals=gates.approvals(config, runs, machines),
        end_process=EndProcess(runs=runs, treatments=runs, reported=DynamoReportedStore(config.runs_table), clock=now),
        clock=now,
        unclaimed_offers=UnclaimedOffers(
            treatments=runs,
            pools=CachedPools(DynamoAccessStore(config.access_table)),
            offers=hosts,
            clock=now,
            at_work=HostsAtWork(hosts, now).count,
            engines=EnginesOfHosts(hosts, now).list_with_draining,
        ).check,
    )
    return looks, ExecutionFailed(runs, machines, settle, finalise)


def remove_passed() -> PurgeTransientValues:
    config = settings.load(settings.WatchdogSettings)
    runs = DynamoRunStore(config.runs_table)
    return PurgeTransientValues(
        runs=runs,
        treatments=runs,
        edges=runs,
        retentions=DynamoValueRetentionStore(config.runs_table, config.runners_table),
        remove_values=S3Removal(Buckets.of(config.data_bucket, config.value_buckets)).remove_values,
        storage=DynamoStorageLedger(config.runners_table, timedelta(days=int(config.retention_days))),
        deadlines=SqsDeadlines(config.deadlines_queue_url),
        clock=now,
    )
