"""Reads the reports of tests of an ended treatment: `{"run", "treatment"}`.

It is invoked asynchronously; Lambda retries after an error.
"""

from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.test_reports import read_test_reports

log = service_logger("test_reports")
reading = read_test_reports()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    try:
        report = reading.read(event["run"], event["treatment"])
    except Exception as error:
        log_fault(log, "reports of tests could not be read", error, run=event.get("run"))
        raise
    tests = report.counts.total if report else 0
    log.info("test_reports", extra={"run": event["run"], "treatment": event["treatment"], "tests": tests})
    return {"tests": tests}
