"""Queue `alerting`: events, judged by alert rules, and alerts that are to be looked at again. Failed messages come again, one by one."""

from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.alerts import judge_message

log = service_logger("alerts")
judge = judge_message()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        try:
            judge(record["body"])
        except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
            log_fault(log, "an event could not be judged", error, message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    log.info("alerts", extra={"judged": len(event["Records"]) - len(failed), "failed": len(failed)})
    return {"batchItemFailures": failed}
