"""Wiring of the `api` Lambda."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

from cadence.adapters.aws import client
from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.access import DynamoAccessStore, DynamoSharedKeys
from cadence.adapters.dynamodb.approvals import DynamoApprovalStore
from cadence.adapters.dynamodb.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.back_offs import REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.environments import DynamoEnvironmentStore, DynamoLinkStore
from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.dynamodb.pipelines import DynamoPipelineStore
from cadence.adapters.dynamodb.pool_credentials import DynamoPoolCredentials
from cadence.adapters.dynamodb.pool_records import DynamoPoolRecords
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.dynamodb.splits import DynamoSplitCatalogue
from cadence.adapters.kms_cipher import KmsCipher
from cadence.adapters.kms_secrets import KmsSecretStore
from cadence.adapters.lambda_provider_calls import LambdaProviderCalls
from cadence.adapters.presigned import S3DataUrls
from cadence.adapters.s3_chunks import S3Chunks
from cadence.adapters.s3_documents import S3Documents
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.adapters.s3_value_buckets import S3ValueBuckets
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.access_ports import SharedKeys
from cadence.application.add_githost import AddGitHost
from cadence.application.approval_links import ApprovalLinks
from cadence.application.approvals import Approvals, ApprovalStore
from cadence.application.audit_ports import AuditTrail
from cadence.application.authenticate import Authenticate
from cadence.application.back_offs import Refusals
from cadence.application.cancel_run import CancelRun
from cadence.application.check_document import CheckDocument, FreezeDocument
from cadence.application.create_token import CreateToken
from cadence.application.environment_ports import EnvironmentStore
from cadence.application.hold_runner import HoldRunner
from cadence.application.look_into_run import LookIntoRun
from cadence.application.manage_exports import ManageExports
from cadence.application.manage_pools import ManagePools
from cadence.application.manage_retention import ManageRetention
from cadence.application.melodium.programs import Programs
from cadence.application.pipeline_ports import PipelineStore
from cadence.application.pipelines import FreezePipeline, PutPipeline
from cadence.application.plan_run import PlanRun
from cadence.application.ports import Clock, Documents, RunnerStore, RunStore
from cadence.application.read_logs import ReadLogs
from cadence.application.rerun import Rerun
from cadence.application.run_gates import RunGates
from cadence.application.runner_ports import DataUrls, HostStore, SecretStore
from cadence.application.runner_slots import RunnerSlots
from cadence.application.shelves import SetAside
from cadence.application.start_run import RequestRun, StartRun
from cadence.application.tell_metrics import TellMetrics
from cadence.application.visible_runs import VisibleRuns
from cadence.composition import gates, settings
from cadence.composition.alerting import Alerting, alerting
from cadence.composition.aside import set_aside
from cadence.composition.debugging import Debugging, debugging
from cadence.composition.documents import check_document
from cadence.composition.exports import manage_exports, tell_metrics
from cadence.composition.provenance import Provenance, provenance
from cadence.composition.replays import Replays, replays
from cadence.composition.schedules import schedules
from cadence.composition.search import Search, search
from cadence.domain.access import Principal, Project
from cadence.domain.errors import NotFound
from cadence.domain.schemas import schemas_folder


@dataclass(frozen=True)
class Services:
    """What the routes use: use cases, and stores where a route only reads."""

    clock: Clock
    schemas: Path
    authenticate: Authenticate
    access: DynamoAccessStore
    keys: SharedKeys
    secrets: SecretStore
    pools: ManagePools
    hold: HoldRunner
    pipelines: PipelineStore
    documents: Documents
    runs: RunStore
    runners: RunnerStore
    hosts: HostStore
    urls: DataUrls
    check: CheckDocument
    programs: Programs
    freeze_document: FreezeDocument
    freeze_pipeline: FreezePipeline
    put_pipeline: PutPipeline
    request_run: RequestRun
    rerun: Rerun
    provenance: Provenance
    replays: Replays
    cancel_run: CancelRun
    run_gates: RunGates
    slots: RunnerSlots
    environments: EnvironmentStore
    approval_store: ApprovalStore
    approvals: Approvals
    approval_links: ApprovalLinks
    visible: VisibleRuns
    look: LookIntoRun
    debugging: Debugging
    create_token: CreateToken
    add_githost: AddGitHost
    exports: ManageExports
    tell_metrics: TellMetrics
    read_logs: ReadLogs
    search: Search
    aside: SetAside
    retention: ManageRetention
    audit: AuditTrail
    alerting: Alerting

    @property
    def version(self) -> str:
        try:
            return installed_version("cadence-control-plane")
        except PackageNotFoundError:  # a Lambda's bundle has the code without its metadata
            return "0.1.0"

    def project(self, principal: Principal, name: str) -> Project:
        """A project that the principal sees. Raises NotFound, in the same words, for all others."""
        missing = NotFound(f"There is no project {name!r} here.")
        if not principal.sees(principal.organization, name):
            raise missing
        try:
            return self.access.get_project(principal.organization, name)
        except NotFound:
            raise missing from None


def now() -> datetime:
    return datetime.now(UTC)


def services() -> Services:
    its = settings.load(settings.ApiSettings)
    access = DynamoAccessStore(its.access_table)
    cipher = KmsCipher(its.secrets_key)
    secrets = KmsSecretStore(its.access_table, its.secrets_key)
    pipelines = DynamoPipelineStore(its.pipelines_table)
    documents = S3Documents(client("s3"), its.data_bucket)
    runs = DynamoRunStore(its.runs_table)
    runners, hosts = DynamoRunnerStore(its.runners_table), DynamoHostStore(its.runners_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    provider_calls = LambdaProviderCalls(its.provider_function_prefix)
    check = check_document(its)
    freeze = FreezeDocument(check, documents)
    visible = VisibleRuns(runs, access)
    deadlines = SqsDeadlines(its.deadlines_queue_url)
    run_gates = gates.run_gates(its, runs, machines)
    approvals = gates.approvals(its, runs, machines)
    approval_store = DynamoApprovalStore(its.runs_table)
    start = StartRun(runs, run_gates, deadlines, now)
    searching = search(its, visible, runs, runners, now)
    return Services(
        clock=now,
        schemas=schemas_folder(),
        authenticate=Authenticate(access, now),
        access=access,
        keys=DynamoSharedKeys(cipher),
        secrets=secrets,
        hold=HoldRunner(runners, provider_calls, now),
        pools=ManagePools(
            access,
            DynamoPoolCredentials(its.access_table, cipher),
            DynamoPoolRecords(its.runners_table),
            hosts,
            gates.runner_slots(its, runs, machines),
            provider_calls,
            S3ValueBuckets(Buckets.of(its.data_bucket, its.value_buckets), timedelta(days=int(its.retention_days))),
            now,
            Refusals(DynamoBackOffs(its.runners_table, REFUSED), now),
        ),
        pipelines=pipelines,
        documents=documents,
        runs=runs,
        runners=runners,
        hosts=hosts,
        urls=S3DataUrls(Buckets.of(its.data_bucket, its.value_buckets)),
        rerun=Rerun(runs, documents, S3Chunks(Buckets.of(its.data_bucket, its.value_buckets))),
        provenance=provenance(its, runs, documents, pipelines),
        replays=replays(its, runs, runners, documents, secrets, access),
        check=check,
        programs=check.programs,
        freeze_document=freeze,
        freeze_pipeline=FreezePipeline(pipelines, documents, freeze),
        put_pipeline=PutPipeline(pipelines, freeze, schedules(its), now),
        request_run=RequestRun(PlanRun(documents), start, access, now),
        cancel_run=CancelRun(run_gates),
        run_gates=run_gates,
        slots=gates.runner_slots(its, runs, machines),
        environments=DynamoEnvironmentStore(its.access_table),
        approval_store=approval_store,
        approvals=approvals,
        approval_links=ApprovalLinks(DynamoLinkStore(its.access_table), runs, approval_store, approvals, now),
        visible=visible,
        look=LookIntoRun(runs, runners, documents),
        debugging=debugging(its, hosts),
        create_token=CreateToken(access, access, now),
        add_githost=AddGitHost(access, cipher, now),
        exports=manage_exports(its),
        tell_metrics=tell_metrics(its),
        search=searching,
        aside=set_aside(its, access),
        retention=ManageRetention(DynamoSplitCatalogue(its.logs_table), now, timedelta(days=int(its.retention_days))),
        audit=DynamoAuditTrail(its.access_table),
        alerting=alerting(its, runs, hosts, searching.find.index),
        read_logs=ReadLogs(DynamoLogIndex(its.logs_table), S3LogSegments(its.data_bucket), runners, now, time.sleep),
    )
