"""Kinesis stream of log lines: stores each run's lines of a batch as one segment.

The API has it write dead letters again: `{"redrive": {"organization", "records": [sequence numbers]}}`.
"""

import time
from typing import Any

from cadence.adapters.aws.kinesis_records import sent_records
from cadence.adapters.lambda_runtime.partial_batch import BatchResponse, batch_response
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.log_indexer import log_indexer

_log = service_logger("log_indexer")
take, redrive = log_indexer()


def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    """Has Lambda deliver the records again that failed; they are named by their sequence numbers."""
    began = time.perf_counter()
    if "redrive" in event:
        taken = redrive.redrive(event["redrive"]["organization"], event["redrive"]["records"])
    else:
        taken = take.take(sent_records(event["Records"]))
    _log.info(
        "log_indexer",
        extra={
            "records": len(event.get("Records", ())),
            "failed": len(taken.failed),
            "dead_letters": taken.dead_letters,
            "runs": taken.runs,
            "lines": taken.lines,
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
    return batch_response(taken.failed)
