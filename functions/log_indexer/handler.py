"""Kinesis stream of log lines: each run's lines of a batch become one segment."""

import time
from typing import Any

from cadence.adapters.fault_report import log_fault
from cadence.adapters.log_batches import grouped_by_run
from cadence.adapters.service_log import service_logger
from cadence.composition.log_indexer import log_indexer

_log = service_logger("log_indexer")
index_logs = log_indexer()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Every record that can be written is, whatever becomes of the others; what failed is reported by its number."""
    began = time.perf_counter()
    runs, failed = grouped_by_run(event["Records"])
    lines = 0
    for run_id, records in runs.items():
        try:
            lines += index_logs(run_id, [record.batch for record in records])
        except Exception as error:  # noqa: BLE001 - one run's trouble must not stop the lines of the others
            log_fault(_log, "the lines of a run could not be written", error, run_id=run_id)
            failed += [record.number for record in records]
    _log.info(
        "log_indexer",
        extra={
            "records": len(event["Records"]),
            "failed": len(failed),
            "runs": len(runs),
            "lines": lines,
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
