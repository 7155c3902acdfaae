"""Queue `exporting`: events to count and deliver, and the exports' own messages. What failed comes again, one by one."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from cadence.adapters.lambda_runtime.emf import emit
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition import settings
from cadence.composition.exports import exports

log = service_logger("exports")
namespace = settings.load(settings.ExportsSettings).metrics_namespace
process = exports(lambda error, name: log_fault(log, "an export is hindered", error, export=name))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    began = time.perf_counter()
    messages = [(record["messageId"], json.loads(record["body"])) for record in event["Records"]]
    events = [(message_id, body) for message_id, body in messages if "work" not in body]
    failed = _try([message_id for message_id, _ in events], lambda: process.events([body for _, body in events]))
    for message_id, body in messages:
        if "work" in body:
            failed += _try([message_id], lambda body=body: process.work(body))  # type: ignore[misc]
    log.info(
        "exports",
        extra={
            "messages": len(messages),
            "failed": len(failed),
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
    emit(namespace, [body for _, body in events])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _try(message_ids: Sequence[str], work: Callable[[], None]) -> list[str]:
    """The messages that have to come again."""
    if not message_ids:
        return []
    try:
        work()
    except Exception as error:  # noqa: BLE001 - some messages' trouble must not stop the others
        log_fault(log, "messages could not be processed", error, messages=len(message_ids))
        return list(message_ids)
    return []
