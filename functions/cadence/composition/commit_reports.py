"""Wiring of the Lambda `commit_reports`."""

from cadence.adapters.aws.commit_report_requests import LambdaCommitReports
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.adapters.dynamodb.test_reports.case_results import DynamoReports
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.repositories.report_commit import ReportCommit
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.repositories import open_repository


def report_commit() -> ReportCommit:
    config = settings.load(settings.CommitReportsSettings)
    repositories, runs = DynamoRepositoryStore(config.repositories_table), DynamoRunStore(config.runs_table)
    return ReportCommit(
        repositories=repositories,
        open_repository=open_repository(config.repositories_table, config.git_hosts, KmsCipher(config.secrets_key)),
        reports=DynamoCommitReports(config.repositories_table),
        runs=runs,
        treatments=runs,
        tests=DynamoReports(config.runs_table),
        summaries=DynamoSummaries(config.runs_table),
        requests=LambdaCommitReports(config.commit_reports_function, config.deliveries_queue_url),
        clock=now,
    )
