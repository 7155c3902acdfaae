"""Delivers the waiting messages of a channel: `{"channel": [organization, project, name], "retry_at"}`.

It is invoked asynchronously; Lambda retries after an error.
"""

from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.alert_deliveries import deliver_messages

log = service_logger("alert_deliveries")
deliver = deliver_messages(lambda message, **fields: log.error(message, extra=fields))


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    try:
        delivered = deliver(event)
    except Exception as error:
        log_fault(log, "a channel's messages could not be delivered", error, channel=event.get("channel"))
        raise
    log.info("alert_deliveries", extra={"channel": event["channel"], "delivered": delivered})
    return {"delivered": delivered}
