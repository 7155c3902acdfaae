"""Wiring of the Lambdas that the two state machines call, and of the watchdog."""

from datetime import UTC, datetime
from typing import Protocol

from cadence.adapters.aws import client
from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.back_offs import REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.custodies import DynamoCustodies
from cadence.adapters.dynamodb.engine_items import DynamoReportedStore
from cadence.adapters.dynamodb.groups import DynamoGroupStore
from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.offers import DynamoOffers
from cadence.adapters.dynamodb.pipelines import DynamoPipelineStore
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.kms_secrets import KmsSecretStore
from cadence.adapters.lambda_log_stream import LambdaLogStream
from cadence.adapters.oci_registry import OciRegistries
from cadence.adapters.remembered_pools import RememberedPools
from cadence.adapters.s3_documents import S3Documents
from cadence.adapters.s3_removal import S3Removal
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.sqs_deliveries import SqsDeliveryQueue
from cadence.adapters.sqs_doorbell import SqsDoorbell
from cadence.adapters.sqs_wake_ups import SqsWakeUps
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.admit import Admission, Admit
from cadence.application.back_offs import Refusals
from cadence.application.end_treatment import EndTreatment
from cadence.application.feed import Feeder
from cadence.application.finalise import Finalise
from cadence.application.hosts import EnginesOfHosts, HostsAtWork
from cadence.application.machine_broke import MachineBroke
from cadence.application.melodium.end_process import EndProcess
from cadence.application.melodium.engine_secrets import RevokeEngineToken
from cadence.application.melodium.run_tokens import RunTokens
from cadence.application.offer import Offer
from cadence.application.pin_images import PinImages
from cadence.application.place import Place
from cadence.application.ports import Machines
from cadence.application.remove_passed import RemovePassed
from cadence.application.run_ends import TellOfEnd
from cadence.application.settle import Settle
from cadence.application.stop_child_run import StopChildRun
from cadence.application.stop_run import StopRun
from cadence.application.take_back import TakeBack
from cadence.application.treatment_gates import TreatmentGates
from cadence.application.untaken import Untaken
from cadence.application.watchdog import Watchdog
from cadence.composition import gates, settings


def now() -> datetime:
    return datetime.now(UTC)


class _Feeding(Protocol):
    """Settings of a Lambda that feeds consumers."""

    @property
    def runs_table(self) -> str: ...

    @property
    def wake_ups_queue_url(self) -> str: ...


def _feeder(runs: DynamoRunStore, machines: Machines, its: _Feeding) -> Feeder:
    return Feeder(runs, DynamoGroupStore(its.runs_table), machines, SqsWakeUps(its.wake_ups_queue_url), now)


def _settle(
    runs: DynamoRunStore, machines: Machines, its: settings.SettleSettings | settings.WatchdogSettings
) -> Settle:
    return Settle(
        runs=runs,
        runners=DynamoRunnerStore(its.runners_table),
        feeder=_feeder(runs, machines, its),
        slots=gates.runner_slots(its, runs, machines),
        specs=runs.get_spec,
        provider_function_prefix=its.provider_function_prefix,
        deadlines=SqsDeadlines(its.deadlines_queue_url),
        clock=now,
        ended=RevokeEngineToken(runs.get_spec, runs, RunTokens(DynamoAccessStore(its.access_table), now)),
    )


def admit() -> tuple[Admit, Machines]:
    its = settings.load(settings.AdmitSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    documents = S3Documents(client("s3"), its.data_bucket)
    use_case = Admit(
        runs=runs,
        admission=Admission(runs, documents, now),
        feeder=_feeder(runs, machines, its),
        deadlines=SqsDeadlines(its.deadlines_queue_url),
        log_stream=LambdaLogStream(its.log_stream_function),
        clock=now,
        pin_images=PinImages(
            runs,
            documents,
            OciRegistries(),
            KmsSecretStore(its.access_table, its.secrets_key),
            its.loopback_registries == "resolved",
        ),
    )
    return use_case, machines


def place() -> tuple[Place, TreatmentGates, Machines]:
    its = settings.load(settings.PlaceSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    slots = gates.runner_slots(its, runs, machines)
    approvals = gates.approvals(its, runs, machines)
    turns = TreatmentGates(runs, machines, approvals, slots)
    runners = DynamoRunnerStore(its.runners_table)
    refusals = Refusals(DynamoBackOffs(its.runners_table, REFUSED), now)
    hosts = DynamoHostStore(its.runners_table)
    offer = Offer(
        runners=runners,
        offers=DynamoOffers(its.runs_table, its.runners_table),
        doorbell=SqsDoorbell(its.doorbell_prefix),
        machines=machines,
    )
    use_case = Place(
        runs=runs,
        pools=RememberedPools(DynamoAccessStore(its.access_table)),
        gates=turns,
        offer=offer,
        take_back=TakeBack(runners, machines, its.provider_function_prefix, refusals),
        machines=machines,
        deadlines=SqsDeadlines(its.deadlines_queue_url),
        provider_function_prefix=its.provider_function_prefix,
        clock=now,
        refusals=refusals,
        engines=EnginesOfHosts(hosts, now),
        attended=HostsAtWork(hosts, now),
    )
    return use_case, turns, machines


def settle() -> tuple[Settle, Finalise]:
    its = settings.load(settings.SettleSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    return _settle(runs, machines, its), _finalise(runs, machines, its)


def stop_run() -> tuple[StopRun, Machines]:
    its = settings.load(settings.StopRunSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    use_case = StopRun(
        runs=runs,
        admission=Admission(runs, S3Documents(client("s3"), its.data_bucket), now),
        end=EndTreatment(
            runs=runs,
            runners=DynamoRunnerStore(its.runners_table),
            machines=machines,
            slots=gates.runner_slots(its, runs, machines),
            wake_ups=SqsWakeUps(its.wake_ups_queue_url),
            stop_child=StopChildRun(runs, SqsDeadlines(its.deadlines_queue_url)),
            clock=now,
        ),
        machines=machines,
        feeder=_feeder(runs, machines, its),
    )
    return use_case, machines


def _finalise(
    runs: DynamoRunStore, machines: Machines, its: settings.SettleSettings | settings.WatchdogSettings
) -> Finalise:
    deliveries = SqsDeliveryQueue(its.deliveries_queue_url, its.data_bucket)
    return Finalise(
        runs,
        gates.run_gates(its, runs, machines),
        SqsDeadlines(its.deadlines_queue_url),
        TellOfEnd(DynamoPipelineStore(its.pipelines_table), deliveries, machines),
        now,
    )


def watchdog() -> tuple[Watchdog, MachineBroke]:
    its = settings.load(settings.WatchdogSettings)
    runs, runners = DynamoRunStore(its.runs_table), DynamoRunnerStore(its.runners_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    run_gates, slots = gates.run_gates(its, runs, machines), gates.runner_slots(its, runs, machines)
    deadlines = SqsDeadlines(its.deadlines_queue_url)
    finalise, settle = _finalise(runs, machines, its), _settle(runs, machines, its)
    looks = Watchdog(
        runs,
        runners,
        machines,
        deadlines,
        settle,
        finalise,
        run_gates,
        slots,
        gates.approvals(its, runs, machines),
        EndProcess(runs, DynamoReportedStore(its.runs_table), now),
        now,
        Untaken(
            runs,
            RememberedPools(DynamoAccessStore(its.access_table)),
            HostsAtWork(DynamoHostStore(its.runners_table), now),
        ),
    )
    return looks, MachineBroke(runs, machines, settle, finalise)


def remove_passed() -> RemovePassed:
    its = settings.load(settings.WatchdogSettings)
    return RemovePassed(
        DynamoRunStore(its.runs_table),
        DynamoCustodies(its.runs_table, its.runners_table),
        S3Removal(Buckets.of(its.data_bucket, its.value_buckets)),
        SqsDeadlines(its.deadlines_queue_url),
        now,
    )
