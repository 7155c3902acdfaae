"""Queue `exporting`: counts and delivers events, and handles the exports' own messages.

Failed messages are delivered again, one by one.
"""

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
    batch = PartialBatch(log, "messages could not be processed")
    messages = batch.read_objects(event)
    done = batch.process_together([message for message in messages if "work" not in message[1]], process.events)
    for message_id, body in messages:
        if "work" in body:
            with batch.attempt([message_id], messages=1):
                process.work(body)
    log.info(
        "exports",
        extra={
            "messages": len(event["Records"]),
            "failed": len(batch.failed),
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
    emit(namespace, [body for _, body in done])
    return batch.response()
