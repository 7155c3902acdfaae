"""Queue `exporting`: counts and delivers events, and handles the exports' own messages.

Failed messages are delivered again, one by one.
"""

import json
import time
from typing import Any

from cadence.adapters.lambda_runtime.emf import emit
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, PartialBatch
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.exports import exports
from cadence.composition.shared import settings

log = service_logger("exports")
namespace = settings.load(settings.ExportsSettings).metrics_namespace
process = exports(lambda error, name: log_fault(log, "an export is hindered", error, export=name))


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    began = time.perf_counter()
    messages = [(record["messageId"], json.loads(record["body"])) for record in event["Records"]]
    events = [(message_id, body) for message_id, body in messages if "work" not in body]
    batch = PartialBatch(log, "messages could not be processed")
    if events:
        with batch.attempt([message_id for message_id, _ in events], messages=len(events)):
            process.events([body for _, body in events])
    for message_id, body in messages:
        if "work" in body:
            with batch.attempt([message_id], messages=1):
                process.work(body)
    log.info(
        "exports",
        extra={
            "messages": len(messages),
            "failed": len(batch.failed),
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
    emit(namespace, [body for _, body in events])
    return batch.response()
