"""Wiring of the `log_stream` Lambda."""

import logging
from functools import partial

from cadence.adapters.aws.clients import client
from cadence.adapters.aws.cloudformation import CloudFormationStreamStack, S3SavedTemplate
from cadence.adapters.aws.kinesis_records import FailedBatches
from cadence.adapters.aws.live_runs import StepFunctionsLiveRuns
from cadence.adapters.dynamodb.logs.log_stream_need import DynamoStreamUsage
from cadence.adapters.dynamodb.logs.stray_records import DynamoStrayRecords
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.application.logs.log_stream import KeepLogStream
from cadence.application.logs.rescue_records import RescueRecords
from cadence.application.logs.take_records import KeepStrayRecord
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def log_stream() -> tuple[KeepLogStream, RescueRecords]:
    config = settings.load(settings.LogStreamSettings)
    keep = KeepLogStream(
        parkable=config.log_stream_policy == "parkable",
        stack=CloudFormationStreamStack(client("cloudformation"), config.log_stream_stack, config.log_stream_role_arn),
        saved=S3SavedTemplate(client("s3"), config.data_bucket),
        need=DynamoStreamUsage(config.access_table),
        live_runs=StepFunctionsLiveRuns(client("stepfunctions"), config.run_machine_arn),
        clock=now,
    )
    keep_stray_record = KeepStrayRecord(
        DynamoStrayRecords(config.logs_table, config.data_bucket),
        DynamoRunStore(config.runs_table).get_run,
        now,
        partial(log_fault, logging.getLogger("cadence.log_stream")),
    )
    return keep, RescueRecords(
        FailedBatches(config.failed_log_lines_queue_url, config.log_stream_name), keep_stray_record
    )
