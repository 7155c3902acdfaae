"""Wiring of the `log_stream` Lambda."""

from datetime import UTC, datetime

from cadence.adapters.aws import client
from cadence.adapters.cloudformation import CloudFormationStreamStack, S3SavedTemplate
from cadence.adapters.dynamodb.need_note import DynamoNeedNote
from cadence.adapters.live_runs import StepFunctionsLiveRuns
from cadence.application.log_stream import KeepLogStream
from cadence.composition import settings


def keep_log_stream() -> KeepLogStream:
    its = settings.load(settings.LogStreamSettings)
    return KeepLogStream(
        parkable=its.log_stream_policy == "parkable",
        stack=CloudFormationStreamStack(client("cloudformation"), its.log_stream_stack, its.log_stream_role_arn),
        saved=S3SavedTemplate(client("s3"), its.data_bucket),
        need=DynamoNeedNote(its.access_table),
        live_runs=StepFunctionsLiveRuns(client("stepfunctions"), its.run_machine_arn),
        clock=lambda: datetime.now(UTC),
    )
