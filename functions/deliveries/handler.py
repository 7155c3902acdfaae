"""Queue `deliveries`: turns webhooks, firings of schedules and ends of runs into runs.

Failed messages are delivered again, one by one.
"""

from typing import Any

from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, PartialBatch
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.application.triggers.process_delivery import Undeliverable
from cadence.composition.deliveries import process_message

log = service_logger("deliveries")
process = process_message()


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    batch = PartialBatch(log, "the delivery could not be processed")
    for record in event["Records"]:
        with batch.attempt([record["messageId"]], message_id=record["messageId"]):
            deliver(record["messageId"], record["body"])
    return batch.response()


def deliver(message_id: str, body: str) -> None:
    try:
        delivery, runs = process(body)
        log.info("delivery", extra={"delivery": delivery, "runs": list(runs)})
    except Undeliverable as error:
        log.warning("delivery dropped: %s", error.message, extra={"message_id": message_id})
