"""Wiring of the Lambdas `webhooks` and `deliveries`."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.pipelines import DynamoPipelineStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.kms_cipher import KmsCipher
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.sqs_deliveries import SqsDeliveryQueue, read_delivery
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.delivery_ports import Delivery
from cadence.application.process_delivery import ProcessDelivery
from cadence.application.receive_webhook import ReceiveWebhook
from cadence.application.start_run import StartRun
from cadence.composition import settings
from cadence.composition.gates import run_gates


def now() -> datetime:
    return datetime.now(UTC)


def receive_webhook() -> ReceiveWebhook:
    its = settings.load(settings.WebhooksSettings)
    queue = SqsDeliveryQueue(its.deliveries_queue_url, its.data_bucket)
    return ReceiveWebhook(DynamoAccessStore(its.access_table), KmsCipher(its.secrets_key), queue)


def process_delivery() -> tuple[Callable[[str], Delivery], ProcessDelivery]:
    """How to read a delivery from a message, and what to do with it."""
    its = settings.load(settings.DeliveriesSettings)
    access = DynamoAccessStore(its.access_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    runs = DynamoRunStore(its.runs_table)
    start = StartRun(runs, run_gates(its, runs, machines), SqsDeadlines(its.deadlines_queue_url), now)
    process = ProcessDelivery(access, access, DynamoPipelineStore(its.pipelines_table), start, now)
    return partial(read_delivery, bucket=its.data_bucket), process
