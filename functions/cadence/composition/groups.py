"""Wiring of the Lambdas that act for treatments without runners."""

from datetime import timedelta

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.documents import S3Documents
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.adapters.sqs.wake_ups import SqsWakeUps
from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.store_pipelines import FreezePipeline
from cadence.application.runs.generated_run import PlanGenerated
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.resume_child_run import ResumeChildRun
from cadence.application.runs.start_child_run import Freeze, StartChildRun
from cadence.application.runs.start_run import StartRun
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.collect_outputs import CollectOutputs
from cadence.application.scheduling.control_treatment import ControlTreatment
from cadence.application.scheduling.each_items import EachItems
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.wake_group import WakeGroup
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.storage import ReserveStorage, RunStorage
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.documents import check_document
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.readiness import treatment_readiness


def act() -> tuple[ControlTreatment, Machines]:
    config = settings.load(settings.ActSettings)
    runs, groups = DynamoRunStore(config.runs_table), DynamoGroupStore(config.runs_table)
    machines = state_machines(config)
    chunks = S3Chunks(Buckets.of(config.data_bucket, config.value_buckets))
    readiness = treatment_readiness(config, runs, machines)
    storage = _storage(config, runs)
    elements = EachItems(
        treatments=runs,
        values=runs,
        streams=DynamoStreamStore(config.runners_table),
        chunks=chunks,
        storage=storage,
    )
    grow = ExpandEach(runs=runs, treatments=runs, groups=groups, elements=elements, machines=machines, clock=now)
    start = StartRun(runs, gates.run_gates(config, runs, machines), SqsDeadlines(config.deadlines_queue_url), now)
    documents = S3Documents(client("s3"), config.data_bucket)
    # The libraries of a stored pipeline were read when it was stored, and are kept.
    freeze, plan = FreezeDocument(check_document(config, decrypts=False), documents), PlanRun(documents)
    start_child = StartChildRun(
        runs=runs,
        values=runs,
        freeze=_of_stored(FreezePipeline(DynamoPipelineStore(config.pipelines_table), documents, freeze)),
        plan=plan,
        plan_generated=PlanGenerated(
            values=runs, chunks=chunks, documents=documents, freeze=freeze, plan=plan
        ).plan_generated,
        resume=ResumeChildRun(runs, documents, Rerun(treatments=runs, values=runs, documents=documents, chunks=chunks)),
        start=start,
    )
    stop_child = StopChildRun(runs=runs, treatments=runs, deadlines=SqsDeadlines(config.deadlines_queue_url))
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    gather = CollectOutputs(runs, chunks, DynamoValueRetentionStore(config.runs_table), storage, now)
    return ControlTreatment(
        runs=runs,
        treatments=runs,
        values=runs,
        groups=groups,
        gather=gather,
        grow=grow,
        start_child=start_child,
        stop_child=stop_child,
        readiness=readiness,
        machines=machines,
        deadlines=deadlines,
        clock=now,
    ), machines


def _storage(config: settings.ActSettings | settings.WakeGroupSettings, runs: DynamoRunStore) -> RunStorage:
    ledger = DynamoStorageLedger(config.runners_table, timedelta(days=int(config.retention_days)))
    return RunStorage(runs, ReserveStorage(ledger, int(config.project_storage_mebibytes) << 20, now))


def _of_stored(freeze: FreezePipeline) -> Freeze:
    return lambda organization, project, name, given: freeze.freeze_pipeline(organization, project, name, None, given)


def wake_group() -> WakeGroup:
    config = settings.load(settings.WakeGroupSettings)
    runs, groups = DynamoRunStore(config.runs_table), DynamoGroupStore(config.runs_table)
    machines = state_machines(config)
    wake_ups = SqsWakeUps(config.wake_ups_queue_url)
    slots = gates.runner_slots(config, runs, machines)
    elements = EachItems(
        treatments=runs,
        values=runs,
        streams=DynamoStreamStore(config.runners_table),
        chunks=S3Chunks(Buckets(config.data_bucket)),
        storage=_storage(config, runs),
    )
    stop_child = StopChildRun(runs=runs, treatments=runs, deadlines=SqsDeadlines(config.deadlines_queue_url))
    return WakeGroup(
        treatments=runs,
        groups=groups,
        grow=ExpandEach(runs=runs, treatments=runs, groups=groups, elements=elements, machines=machines, clock=now),
        end=EndTreatment(
            treatments=runs,
            runners=DynamoRunnerStore(config.runners_table),
            machines=machines,
            slots=slots,
            wake_ups=wake_ups,
            stop_child=stop_child,
            clock=now,
        ),
        readiness=treatment_readiness(config, runs, machines),
    )
