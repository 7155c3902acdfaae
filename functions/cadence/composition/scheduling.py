"""Wiring of the Lambdas that the two state machines call, and of the watchdog."""

from datetime import UTC, datetime

from cadence.adapters.aws import client
from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.pipelines import DynamoPipelineStore
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.lambda_log_stream import LambdaLogStream
from cadence.adapters.s3_documents import S3Documents
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.sqs_deliveries import SqsDeliveryQueue
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.admit import Admission, Admit
from cadence.application.feed import Feeder
from cadence.application.finalise import Finalise
from cadence.application.hold import Hold
from cadence.application.machine_broke import MachineBroke
from cadence.application.place import Place
from cadence.application.ports import Machines
from cadence.application.run_ends import TellOfEnd
from cadence.application.settle import Settle
from cadence.application.stop_run import StopRun
from cadence.application.treatment_gates import TreatmentGates
from cadence.application.watchdog import Watchdog
from cadence.composition import gates, settings


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


def place() -> tuple[Place, TreatmentGates, Machines]:
    its = settings.load(settings.PlaceSettings)
    runs, pools = DynamoRunStore(its.runs_table), DynamoAccessStore(its.access_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    slots = gates.runner_slots(its, runs, machines)
    approvals = gates.approvals(its, runs, machines)
    turns = TreatmentGates(runs, machines, approvals, slots)
    return Place(runs, pools, turns, its.provider_function_prefix, now), turns, machines


def hold() -> tuple[Hold, Machines]:
    its = settings.load(settings.HoldSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    use_case = Hold(runs, DynamoRunnerStore(its.runners_table), machines, Feeder(runs, machines, now), now)
    return use_case, machines


def settle() -> Settle:
    its = settings.load(settings.SettleSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    slots = gates.runner_slots(its, runs, machines)
    return Settle(runs, DynamoRunnerStore(its.runners_table), Feeder(runs, machines, now), slots, now)


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
        slots=gates.runner_slots(its, runs, machines),
        clock=now,
    )
    return use_case, machines


def finalise() -> Finalise:
    its = settings.load(settings.FinaliseSettings)
    runs = DynamoRunStore(its.runs_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    return Finalise(runs, gates.run_gates(its, runs, machines), tell_of_end(its, machines), now)


def tell_of_end(its: settings.FinaliseSettings | settings.WatchdogSettings, machines: Machines) -> TellOfEnd:
    queue = SqsDeliveryQueue(its.deliveries_queue_url, its.data_bucket)
    return TellOfEnd(DynamoPipelineStore(its.pipelines_table), queue, machines)


def watchdog() -> tuple[Watchdog, MachineBroke]:
    its = settings.load(settings.WatchdogSettings)
    runs, runners = DynamoRunStore(its.runs_table), DynamoRunnerStore(its.runners_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    run_gates, slots = gates.run_gates(its, runs, machines), gates.runner_slots(its, runs, machines)
    finalise = Finalise(runs, run_gates, tell_of_end(its, machines), now)
    looks = Watchdog(
        runs,
        runners,
        machines,
        SqsDeadlines(its.deadlines_queue_url),
        finalise,
        run_gates,
        slots,
        gates.approvals(its, runs, machines),
        now,
    )
    settle = Settle(runs, runners, Feeder(runs, machines, now), slots, now)
    return looks, MachineBroke(runs, machines, settle, finalise)
