"""Wiring of the Lambda `deliveries`."""

import json
from collections.abc import Callable, Sequence

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.commit_report_requests import LambdaCommitReports, read_report_request
from cadence.adapters.aws.eventbridge_schedules import read_firing
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.event_deliveries import DynamoEventDeliveries
from cadence.adapters.dynamodb.repositories.github_apps import DynamoGitHubApps
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.git.reader import DulwichGitReader
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.documents import S3Documents
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.adapters.sqs.deliveries import read_delivery
from cadence.application.melodium.run_pushed import RunPushed
from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.repositories.branch_protection import RenewProtection
from cadence.application.repositories.comment_commands import CarryOutCommand
from cadence.application.repositories.commit_source import StoreCommitFiles
from cadence.application.repositories.process_app_delivery import ProcessAppDelivery
from cadence.application.repositories.process_repository_delivery import ProcessRepositoryDelivery
from cadence.application.repositories.pushed_pipelines import PushedPipelines
from cadence.application.repositories.submodule_tokens import SubmoduleTokens
from cadence.application.runs.rerun import Rerun
from cadence.application.runs.start_run import StartRun
from cadence.application.triggers.process_delivery import ProcessDelivery
from cadence.application.triggers.process_webhook_event import ProcessWebhookEvent
from cadence.application.triggers.run_scheduled import RunScheduled
from cadence.application.triggers.start_followers import StartFollowers
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.documents import check_document, programs, start_triggered
from cadence.composition.shared.gates import run_gates
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.repositories import open_repository
from cadence.composition.shared.schedules import schedules
from cadence.domain.repositories.github_app import APP_PREFIX
from cadence.domain.repositories.repository import ID_PREFIX

# A batch is five deliveries, and the Lambda has a minute for it.
_GIT_SECONDS = 10.0
# The files of a commit are read at most once for a delivery.
_SOURCE_SECONDS = 25.0


def process_message() -> Callable[[str], tuple[str, Sequence[str]]]:
    """Returns a function that turns a message of the queue of deliveries into runs.

    It returns the message's kind, in words, and the runs' ids.
    """
    config = settings.load(settings.DeliveriesSettings)
    access, runs = DynamoAccessStore(config.access_table), DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    start = StartRun(runs, run_gates(config, runs, machines), SqsDeadlines(config.deadlines_queue_url), now)
    git = DulwichGitReader.reaching(config.git_hosts, seconds=_GIT_SECONDS)
    cipher, pipelines = KmsCipher(config.secrets_key), DynamoPipelineStore(config.pipelines_table)
    triggered = start_triggered(config, start)
    documents = S3Documents(client("s3"), config.data_bucket)
    freeze = FreezeDocument(check_document(config), documents)
    pushed = RunPushed(
        folders=git,
        programs=programs(config),
        documents=documents,
        freeze=freeze,
        plan=PlanRun(documents),
        start=start,
    )
    deliver = ProcessDelivery(
        githosts=access,
        cipher=cipher,
        seen=access,
        pipelines=pipelines,
        git=git,
        tags=git,
        start=triggered,
        run_pushed=pushed,
        webhook_events=ProcessWebhookEvent(
            seen=access,
            pipelines=pipelines,
            start=triggered,
            deliveries=DynamoEventDeliveries(config.repositories_table),
            clock=now,
        ),
        clock=now,
    )
    repositories = DynamoRepositoryStore(config.repositories_table)
    reports = LambdaCommitReports(config.commit_reports_function, config.deliveries_queue_url)
    opened = open_repository(config.repositories_table, config.git_hosts, cipher)
    repository_deliveries = ProcessRepositoryDelivery(
        repositories=repositories,
        open_repository=opened,
        seen=access,
        heads=DynamoHeads(config.repositories_table),
        git=git,
        tags=git,
        folders=git,
        sources=StoreCommitFiles(
            archives=DulwichGitReader.reaching(config.git_hosts, seconds=_SOURCE_SECONDS),
            submodules=SubmoduleTokens(repositories, opened),
            write=S3Chunks(Buckets(config.data_bucket)).write,
            documents=documents,
        ),
        programs=pushed,
        pipelines=PushedPipelines(documents=documents, freeze=freeze, plan=PlanRun(documents), start=start),
        reports=reports,
        commands=CarryOutCommand(
            open_repository=opened,
            reports=DynamoCommitReports(config.repositories_table),
            heads=DynamoHeads(config.repositories_table),
            runs=runs,
            rerun=Rerun(
                treatments=runs,
                values=runs,
                documents=documents,
                # What lies in the bucket of a pool is made again.
                chunks=S3Chunks(Buckets(config.data_bucket)),
            ),
            start=start,
            renew_protection=RenewProtection(
                repositories=repositories,
                environments=DynamoEnvironmentStore(config.access_table),
                open_repository=opened,
            ),
        ),
        clock=now,
    )
    app_deliveries = ProcessAppDelivery(
        apps=DynamoGitHubApps(config.repositories_table), repositories=repositories, deliveries=repository_deliveries
    )
    scheduled = RunScheduled(pipelines, schedules(config), triggered)
    follow = StartFollowers(runs=runs, values=runs, pipelines=pipelines, start=triggered)

    def process(message: str) -> tuple[str, Sequence[str]]:
        values = json.loads(message)
        if "schedule" in values:
            firing = read_firing(values)
            return f"schedule of {firing.pipeline}", scheduled.run(firing)
        if "ended" in values:
            return f"end of {values['ended']}", follow.start_followers(values["ended"])
        if "report" in values:
            request = read_report_request(values["report"])
            reports.request(request)
            return f"report on {request.commit}", ()
        delivery = read_delivery(values, config.data_bucket)
        if delivery.githost_id.startswith(ID_PREFIX):
            return f"delivery {delivery.delivery_id}", repository_deliveries.process(delivery)
        if delivery.githost_id.startswith(APP_PREFIX):
            return f"delivery {delivery.delivery_id}", app_deliveries.process(delivery)
        return f"delivery {delivery.delivery_id}", deliver.process(delivery)

    return process
