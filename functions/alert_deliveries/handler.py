"""Queue `alert-deliveries`: channels whose outbox has messages, or that are to be tried again."""

from typing import Any

from cadence.adapters.fault_report import log_fault
from cadence.adapters.service_log import service_logger
from cadence.composition.alert_deliveries import deliver_message

log = service_logger("alert_deliveries")
deliver = deliver_message(lambda message, **fields: log.error(message, extra=fields))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed, delivered = [], 0
    for record in event["Records"]:
        try:
            delivered += deliver(record["body"])
        except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
            log_fault(log, "a channel's messages could not be delivered", error, message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    log.info("alert_deliveries", extra={"delivered": delivered, "failed": len(failed)})
    return {"batchItemFailures": failed}
