"""Queue `uploads`: the bucket's word of what engines uploaded. Failed messages come again, one by one."""

import json
import time
from typing import Any
from urllib.parse import unquote_plus

from cadence.adapters.fault_report import log_fault
from cadence.adapters.service_log import service_logger
from cadence.composition.melodium_reports import take_upload
from cadence.domain.errors import InvalidRequest, NotFound

log = service_logger("melodium_reports")
take = take_upload()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failed = []
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", ()):
            key = unquote_plus(record["s3"]["object"]["key"])
            began = time.perf_counter()
            try:
                take(key)
            except (InvalidRequest, NotFound) as error:
                # It would be no other the next time. It stays where it is until the bucket's own rule removes it.
                log.warning("an upload cannot be read: %s", error.message, extra={"key": key})
            except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
                log_fault(log, "an upload could not be taken in", error, key=key)
                failed.append({"itemIdentifier": message["messageId"]})
            else:
                size, took = record["s3"]["object"].get("size"), round((time.perf_counter() - began) * 1000, 1)
                log.info("melodium_reports", extra={"key": key, "bytes": size, "duration_ms": took})
    return {"batchItemFailures": failed}
