"""Wiring of the `api` Lambda."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.lambda_provider_calls import LambdaProviderCalls
from cadence.adapters.caching.remembered_audit import RememberedAudit
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.audit_chain import DynamoAuditChain
from cadence.adapters.dynamodb.access.id_token_keys import PublishedIdTokenKeys
from cadence.adapters.dynamodb.access.kms_secrets import KmsSecretStore
from cadence.adapters.dynamodb.access.shared_keys import DynamoSharedKeys
from cadence.adapters.dynamodb.access.token_policies import DynamoTokenPolicies
from cadence.adapters.dynamodb.access.token_uses import DynamoTokenUses
from cadence.adapters.dynamodb.access.web_sessions import DynamoWebSessionStore
from cadence.adapters.dynamodb.limits.approvals import DynamoApprovalStore
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore, DynamoLinkStore
from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.pipelines.badge_settings import DynamoBadgeSettings
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.placement.back_offs import REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.placement.ledger import DynamoLedger
from cadence.adapters.dynamodb.placement.pool_credentials import DynamoPoolCredentials
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.adapters.dynamodb.repositories.event_deliveries import DynamoEventDeliveries
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.runs.step_reports import DynamoStepReports
from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.adapters.dynamodb.runs.watches import DynamoLiveTickets
from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.documents import S3Documents
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.presigned import S3DataUrls
from cadence.adapters.s3.summary_texts import S3SummaryTexts
from cadence.adapters.s3.value_buckets import S3ValueBuckets
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.application.access.authenticate import Authenticate, refuse_if_known
from cadence.application.access.create_organization import CreateOrganization
from cadence.application.access.create_token import CreateToken, RevokeToken
from cadence.application.access.ports import AuditChain, AuditTrail, SharedKeys, TokenPolicyStore
from cadence.application.access.shared_secrets import SharedSecrets
from cadence.application.access.token_uses import NoteTokenUses, TokenUseStore
from cadence.application.access.web_sessions import WebSessions
from cadence.application.dead_letters.sources import DeadLetters
from cadence.application.exports.manage_exports import ManageExports
from cadence.application.limits.approval_links import ApprovalLinks
from cadence.application.limits.approvals import ApprovalStore, TreatmentApprovals
from cadence.application.limits.ports import EnvironmentStore
from cadence.application.limits.run_gates import RunGates
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.logs.read_logs import ReadLogs
from cadence.application.metrics.render_metrics import RenderMetrics
from cadence.application.pipelines.badges import Badges
from cadence.application.pipelines.check_document import CheckDocument, FreezeDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.ports import PipelineStore
from cadence.application.pipelines.programs import Programs
from cadence.application.pipelines.store_pipelines import DeletePipeline, FreezePipeline, PutPipeline
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.manage_pools import ManagePools
from cadence.application.placement.pool_access import PoolAccess
from cadence.application.runners.hold_runner import HoldRunner
from cadence.application.runners.shells import OpenShell
from cadence.application.runs.cancel_run import CancelRun
from cadence.application.runs.follow_run import FollowList, FollowRun
from cadence.application.runs.pending_approvals import ListPendingApprovals
from cadence.application.runs.ports import StepReportStore, SummaryStore
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.run_details import ReadRunDetails
from cadence.application.runs.start_run import RequestRun, StartRun
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.runs.watch_runs import MakeLiveTickets
from cadence.application.shared.ports import Clock, Documents
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.application.shared.runner_ports import HostStore, RunnerStore
from cadence.application.shared.secret_ports import SecretStore
from cadence.application.shared.value_ports import DataUrls
from cadence.application.triggers.add_githost import AddGitHost, RotateGitHost
from cadence.application.triggers.ports import EventDeliveries
from cadence.application.values.locate_run_data import LocateRunData
from cadence.application.values.manage_retention import ManageRetention
from cadence.application.values.storage import ManageStorage
from cadence.composition.api.alerts import Alerting, alerting
from cadence.composition.api.dead_letters import dead_letters
from cadence.composition.api.deletion import Deletions, deletions
from cadence.composition.api.insight import Debugging, debugging
from cadence.composition.api.people import People, people
from cadence.composition.api.provenance import Provenance, provenance
from cadence.composition.api.replay import Replays, replays
from cadence.composition.api.repositories import Repositories, repositories
from cadence.composition.api.run_data import run_data
from cadence.composition.api.test_reports import CaseResults, case_results
from cadence.composition.exports import manage_exports, render_metrics
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.documents import check_document
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.schedules import schedules
from cadence.composition.shared.search import Search, search
from cadence.composition.shared.secret_sources import prefixes
from cadence.domain.access.access import Principal, Project
from cadence.domain.access.scopes import project_scope
from cadence.domain.access.secret_source import SourcePrefixes
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import NotFound
from cadence.domain.shared.schemas import schemas_folder

_KNOWN_RUNS = 1_000


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the routes use: use cases, and stores where a route only reads."""

    clock: Clock
    known_run: Callable[[str], Run]
    """Returns a run, of which only fields that never change are used. Raises NotFound."""
    schemas: Path
    authenticate: Authenticate
    sessions: WebSessions
    access: DynamoAccessStore
    keys: SharedKeys
    secrets: SecretStore
    secret_prefixes: SourcePrefixes
    shared_secrets: SharedSecrets
    pools: ManagePools
    pool_access: PoolAccess
    hold: HoldRunner
    open_shell: OpenShell
    pipelines: PipelineStore
    documents: Documents
    runs: RunStore
    treatments: TreatmentStore
    runners: RunnerStore
    hosts: HostStore
    urls: DataUrls
    check: CheckDocument
    programs: Programs
    freeze_document: FreezeDocument
    freeze_pipeline: FreezePipeline
    put_pipeline: PutPipeline
    delete_pipeline: DeletePipeline
    request_run: RequestRun
    rerun: Rerun
    provenance: Provenance
    replays: Replays
    cancel_run: CancelRun
    run_gates: RunGates
    slots: RunnerSlots
    environments: EnvironmentStore
    approval_store: ApprovalStore
    approvals: TreatmentApprovals
    approval_links: ApprovalLinks
    pending_approvals: ListPendingApprovals
    visible: VisibleRuns
    follow_run: FollowRun
    live_tickets: MakeLiveTickets
    follow_list: FollowList
    look: ReadRunDetails
    debugging: Debugging
    create_token: CreateToken
    revoke_token: RevokeToken
    token_uses: TokenUseStore
    token_policies: TokenPolicyStore
    create_organization: CreateOrganization
    people: People
    add_githost: AddGitHost
    repositories: Repositories
    event_deliveries: EventDeliveries
    case_results: CaseResults
    summaries: SummaryStore
    step_reports: StepReportStore
    rotate_githost: RotateGitHost
    exports: ManageExports
    render_metrics: RenderMetrics
    read_logs: ReadLogs
    search: Search
    dead_letters: DeadLetters
    retention: ManageRetention
    run_data: LocateRunData
    storage: ManageStorage
    audit: AuditTrail
    audit_chain: AuditChain
    id_token_keys: PublishedIdTokenKeys
    alerting: Alerting
    deletions: Deletions
    badges: Badges

    @property
    def version(self) -> str:
        try:
            return installed_version("cadence-control-plane")
        except PackageNotFoundError:  # a Lambda's bundle has the code without config metadata
            return "0.1.0"

    def project(
        self,
        principal: Principal,
        name: str,
        *,
        pipeline: str | None = None,
        environment: str | None = None,
        within: bool = False,
    ) -> Project:
        """Returns a project in which the principal has the permission that is asked for.

        With `pipeline` or `environment` it is enough to have it there, with `within` anywhere in the project. Raises
        NotFound for all other projects, in words that depend on the request only, not on what exists; Forbidden where
        the principal has other permissions.
        """
        organization = principal.organization
        seen = principal.sees(organization, name, pipeline=pipeline, environment=environment)
        if not seen and not (within and principal.sees_within(organization, name)):
            refuse_if_known(principal, project_scope(name, pipeline=pipeline, environment=environment))
            thing = f"project {name!r} here"
            if pipeline or environment:
                thing = f"{'pipeline' if pipeline else 'environment'} {pipeline or environment!r} in project {name!r}"
            raise NotFound(f"There is no {thing}, or you may not use it.")
        try:
            project = self.access.get_project(principal.organization, name)
        except NotFound:
            raise NotFound(f"There is no project {name!r} here.") from None
        if project.deletion is not None:
            raise NotFound(
                f"The project {name!r} is being deleted, and nothing of it can be used any more. "
                f"GET /v1/project-deletions/{project.deletion} shows how far this is."
            )
        return project


def services() -> Services:
    config = settings.load(settings.ApiSettings)
    access = DynamoAccessStore(config.access_table)
    token_uses = DynamoTokenUses(config.access_table)
    authenticate = Authenticate(access, now, NoteTokenUses(token_uses))
    cipher = KmsCipher(config.secrets_key)
    secrets = KmsSecretStore(config.access_table, config.secrets_key)
    pipelines = DynamoPipelineStore(config.pipelines_table)
    documents = S3Documents(client("s3"), config.data_bucket)
    runs = DynamoRunStore(config.runs_table)
    runners, hosts = DynamoRunnerStore(config.runners_table), DynamoHostStore(config.runners_table)
    machines = state_machines(config)
    provider_calls = LambdaProviderCalls(config.provider_function_prefix)
    check = check_document(config)
    freeze = FreezeDocument(check, documents)
    visible = VisibleRuns(runs, access)
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    run_gates = gates.run_gates(config, runs, machines)
    approvals = gates.approvals(config, runs, machines)
    approval_store = DynamoApprovalStore(config.runs_table)
    start = StartRun(runs, run_gates, deadlines, now)
    persons = people(config, access)
    searching = search(config, visible, runs, runners, now)
    alerts = alerting(config, runs, hosts, searching.find.index)
    retention = ManageRetention(
        DynamoSplitCatalogue(config.logs_table), now, timedelta(days=int(config.retention_days))
    )
    keys = DynamoSharedKeys(cipher)
    return Services(
        clock=now,
        schemas=schemas_folder(),
        authenticate=authenticate,
        sessions=WebSessions(DynamoWebSessionStore(config.access_table), authenticate, now),
        access=access,
        keys=keys,
        secrets=secrets,
        secret_prefixes=prefixes(config),
        shared_secrets=SharedSecrets(
            secrets=secrets, people=persons.store, directory=access, prefixes=prefixes(config), clock=now
        ),
        hold=HoldRunner(runners, provider_calls, now),
        open_shell=OpenShell(runners),
        pool_access=PoolAccess(persons.roles, persons.store),
        pools=ManagePools(
            directory=access,
            credentials=DynamoPoolCredentials(config.access_table, cipher),
            records=DynamoPoolRecords(config.runners_table),
            hosts=hosts,
            slots=gates.runner_slots(config, runs, machines),
            calls=provider_calls,
            values=S3ValueBuckets(
                Buckets.of(config.data_bucket, config.value_buckets), timedelta(days=int(config.retention_days))
            ),
            clock=now,
            refusals=Refusals(DynamoBackOffs(config.runners_table, REFUSED), now),
            ledger=DynamoLedger(config.runners_table),
        ),
        pipelines=pipelines,
        documents=documents,
        runs=runs,
        treatments=runs,
        runners=runners,
        hosts=hosts,
        urls=S3DataUrls(Buckets.of(config.data_bucket, config.value_buckets)),
        rerun=Rerun(
            treatments=runs,
            values=runs,
            documents=documents,
            chunks=S3Chunks(Buckets.of(config.data_bucket, config.value_buckets)),
        ),
        provenance=provenance(config, runs, documents, pipelines),
        replays=replays(config, runs, runners, documents, secrets, access, visible),
        check=check,
        programs=check.programs,
        freeze_document=freeze,
        freeze_pipeline=FreezePipeline(pipelines, documents, freeze),
        put_pipeline=PutPipeline(pipelines, freeze, schedules(config), now),
        delete_pipeline=DeletePipeline(pipelines, schedules(config)),
        request_run=RequestRun(PlanRun(documents), start, access, now),
        cancel_run=CancelRun(run_gates),
        run_gates=run_gates,
        slots=gates.runner_slots(config, runs, machines),
        environments=DynamoEnvironmentStore(config.access_table),
        approval_store=approval_store,
        approvals=approvals,
        approval_links=ApprovalLinks(
            links=DynamoLinkStore(config.access_table),
            runs=runs,
            store=approval_store,
            approvals=approvals,
            maker=persons.maker,
            clock=now,
        ),
        people=persons,
        pending_approvals=ListPendingApprovals(visible=visible, treatments=runs, store=approval_store, clock=now),
        visible=visible,
        follow_run=FollowRun(runs=runs, treatments=runs, clock=now, sleep=time.sleep),
        live_tickets=MakeLiveTickets(DynamoLiveTickets(config.logs_table), now),
        follow_list=FollowList(visible=visible, clock=now, sleep=time.sleep),
        look=ReadRunDetails(treatments=runs, values=runs, runners=runners, documents=documents),
        debugging=debugging(config, hosts),
        create_token=CreateToken(access, access, DynamoTokenPolicies(config.access_table), now),
        create_organization=CreateOrganization(access, access, now),
        revoke_token=RevokeToken(access, now),
        token_uses=token_uses,
        token_policies=DynamoTokenPolicies(config.access_table),
        add_githost=AddGitHost(access, cipher, now),
        repositories=repositories(config, cipher),
        event_deliveries=DynamoEventDeliveries(config.repositories_table),
        case_results=case_results(config, runs),
        summaries=DynamoSummaries(
            config.runs_table,
            S3SummaryTexts(
                Buckets.of(config.data_bucket, config.value_buckets), DynamoValueRetentionStore(config.runs_table)
            ),
        ),
        step_reports=DynamoStepReports(config.runs_table),
        rotate_githost=RotateGitHost(access, cipher),
        exports=manage_exports(config),
        render_metrics=render_metrics(config),
        search=searching,
        dead_letters=dead_letters(config, access),
        retention=retention,
        run_data=run_data(config, retention),
        storage=ManageStorage(
            DynamoStorageLedger(config.runners_table, timedelta(days=int(config.retention_days))),
            int(config.project_storage_mebibytes) << 20,
        ),
        audit=RememberedAudit(DynamoAuditTrail(config.access_table)),
        known_run=lru_cache(_KNOWN_RUNS)(runs.get_run),
        audit_chain=DynamoAuditChain(config.access_table),
        id_token_keys=PublishedIdTokenKeys(config.access_table),
        alerting=alerts,
        deletions=deletions(config, access, alerts.manage_rules),
        badges=Badges(settings=DynamoBadgeSettings(config.pipelines_table), runs=runs, key=partial(keys.key, "CURSOR")),
        read_logs=ReadLogs(
            index=DynamoLogIndex(config.logs_table),
            segments=S3LogSegments(config.data_bucket, value_buckets=config.value_buckets),
            followers=runners,
            clock=now,
            sleep=time.sleep,
        ),
    )
