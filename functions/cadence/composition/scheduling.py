"""Wiring of the Lambdas that the two state machines call, and of the watchdog."""

from datetime import UTC, datetime

from cadence.adapters.aws import client
from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.offers import DynamoOffers
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.lambda_log_stream import LambdaLogStream
from cadence.adapters.remembered_pools import RememberedPools
from cadence.adapters.s3_documents import S3Documents
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.sqs_doorbell import SqsDoorbell
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.admit import Admission, Admit
from cadence.application.feed import Feeder
from cadence.application.finalise import Finalise
from cadence.application.machine_broke import MachineBroke
from cadence.application.offer import Offer
from cadence.application.place import Place
from cadence.application.ports import Machines
from cadence.application.settle import Settle
from cadence.application.stop_run import StopRun
from cadence.application.watchdog import Watchdog
from cadence.composition import settings


def now() -> datetime:
    return datetime.now(UTC)


def admit() -> tuple[Admit, Machines]:
    its = settings.load(settings.AdmitSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    use_case = Admit(
        runs=runs,
        admission=Admission(runs, S3Documents(client("s3"), its.data_bucket)),
        feeder=Feeder(runs, machines, now),
        deadlines=SqsDeadlines(its.deadlines_queue_url),
        log_stream=LambdaLogStream(its.log_stream_function),
        clock=now,
    )
    return use_case, machines


def place() -> tuple[Place, Machines]:
    its = settings.load(settings.PlaceSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    offer = Offer(
        runners=DynamoRunnerStore(its.runners_table),
        offers=DynamoOffers(its.runs_table, its.runners_table),
        doorbell=SqsDoorbell(its.doorbell_prefix),
        machines=machines,
    )
    use_case = Place(
        runs=runs,
        pools=RememberedPools(DynamoAccessStore(its.access_table)),
        offer=offer,
        machines=machines,
        deadlines=SqsDeadlines(its.deadlines_queue_url),
        provider_function_prefix=its.provider_function_prefix,
        clock=now,
    )
    return use_case, machines


def settle() -> Settle:
    its = settings.load(settings.SettleSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    return Settle(
        runs=runs,
        runners=DynamoRunnerStore(its.runners_table),
        feeder=Feeder(runs, machines, now),
        specs=runs.get_spec,
        provider_function_prefix=its.provider_function_prefix,
        clock=now,
    )


def stop_run() -> tuple[StopRun, Machines]:
    its = settings.load(settings.StopRunSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    use_case = StopRun(
        runs=runs,
        admission=Admission(runs, S3Documents(client("s3"), its.data_bucket)),
        runners=DynamoRunnerStore(its.runners_table),
        machines=machines,
        feeder=Feeder(runs, machines, now),
        clock=now,
    )
    return use_case, machines


def finalise() -> Finalise:
    return Finalise(DynamoRunStore(settings.load(settings.FinaliseSettings).runs_table), now)


def watchdog() -> tuple[Watchdog, MachineBroke]:
    its = settings.load(settings.WatchdogSettings)
    runs, runners = DynamoRunStore(its.runs_table), DynamoRunnerStore(its.runners_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    finalise = Finalise(runs, now)
    settle = Settle(
        runs=runs,
        runners=runners,
        feeder=Feeder(runs, machines, now),
        specs=runs.get_spec,
        provider_function_prefix=its.provider_function_prefix,
        clock=now,
    )
    looks = Watchdog(runs, runners, machines, SqsDeadlines(its.deadlines_queue_url), settle, finalise, now)
    return looks, MachineBroke(runs, machines, settle, finalise)
