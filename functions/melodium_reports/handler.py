"""Processes the bucket's notifications of engines' uploads.

Lambda retries failed ones, and sends those that it gives up to a queue.
"""

import time
from typing import Any
from urllib.parse import unquote_plus

from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.melodium_reports import take_upload
from cadence.domain.shared.errors import InvalidRequest, NotFound

log = service_logger("melodium_reports")
take = take_upload()


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        uploaded = record["s3"]["object"]
        key, began = unquote_plus(uploaded["key"]), time.perf_counter()
        try:
            take.take(key)
        except (InvalidRequest, NotFound) as error:
            # A retry would fail as well. The upload stays until the bucket's own rule removes it.
            log.warning("an upload cannot be read: %s", error.message, extra={"key": key})
        took = round((time.perf_counter() - began) * 1000, 1)
        log.info("melodium_reports", extra={"key": key, "bytes": uploaded.get("size"), "duration_ms": took})
