"""Queue `deliveries`: webhooks, firings of schedules and ends of runs, to be turned into runs. Failed messages come again, one by one."""

from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.application.triggers.process_delivery import Undeliverable
from cadence.composition.deliveries import process_message

log = service_logger("deliveries")
process = process_message()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        try:
            what, runs = process(record["body"])
            log.info("delivery", extra={"delivery": what, "runs": list(runs)})
        except Undeliverable as error:
            log.warning("delivery dropped: %s", error.message, extra={"message_id": record["messageId"]})
        except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
            log_fault(log, "the delivery could not be processed", error, message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
