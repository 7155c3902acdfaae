"""Queue `deadlines`: `{"run_id"}` or `{"runner_id"}` a message. Failed messages come again, one by one."""

import json
from typing import Any

from cadence.adapters.service_log import service_logger
from cadence.composition import scheduling

log = service_logger("watchdog")
watchdog = scheduling.watchdog()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        try:
            look(json.loads(record["body"]))
        except Exception:
            log.exception("the watchdog could not look", extra={"message_id": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    log.info("watchdog", extra={"looked": len(event["Records"]), "failed": len(failed)})
    return {"batchItemFailures": failed}


def look(subject: dict[str, str]) -> None:
    if "run_id" in subject:
        watchdog.run(subject["run_id"])
    else:
        watchdog.runner(subject["runner_id"])
