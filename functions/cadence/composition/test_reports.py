"""Wiring of the Lambda `test_reports`."""

from cadence.adapters.aws.commit_report_requests import LambdaCommitReports
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.test_reports.case_results import DynamoCaseResults
from cadence.adapters.dynamodb.test_reports.durations import DynamoDurations
from cadence.adapters.junit.reports import JUnitReports
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.application.test_reports.read_reports import ReadTestReports
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def read_test_reports() -> ReadTestReports:
    config = settings.load(settings.ReadTestReportsSettings)
    runs, chunks = DynamoRunStore(config.runs_table), S3Chunks(Buckets(config.data_bucket))
    return ReadTestReports(
        runs=runs,
        treatments=runs,
        values=runs,
        runners=DynamoRunnerStore(config.runners_table),
        streams=DynamoStreamStore(config.runners_table),
        chunks=chunks,
        parser=JUnitReports(),
        store=DynamoCaseResults(config.runs_table, chunks),
        durations=DynamoDurations(config.runs_table),
        # Its requests are due at once, so that it needs no queue.
        commit_reports=LambdaCommitReports(config.commit_reports_function, ""),
        clock=now,
    )
