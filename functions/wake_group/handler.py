"""Queue `wake-ups`: `{"run_id", "group", "failed"}`. Failed messages come again, one by one."""

import json
from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition import groups

log = service_logger("wake_group")
wake = groups.wake_group()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    messages: dict[tuple[str, str, bool], list[str]] = {}
    for record in event["Records"]:
        body = json.loads(record["body"])
        # Of several that say the same one is enough.
        messages.setdefault((body["run_id"], body["group"], body["failed"]), []).append(record["messageId"])
    failed: list[str] = []
    for (run_id, group, instance_failed), ids in messages.items():
        try:
            wake.wake(run_id, group, failed=instance_failed)
        except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
            log_fault(log, "a group could not be woken", error, run_id=run_id, group=group)
            failed += ids
    log.info("wake_group", extra={"woken": len(messages), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
