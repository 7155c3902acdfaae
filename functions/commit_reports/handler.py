"""Tells a code host about a commit: `{"repository", "commit", "run", "attempt", "deferred"}`.

It is invoked asynchronously; Lambda retries after an error.
"""

from typing import Any

from cadence.adapters.aws.commit_report_requests import read_report_request
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.commit_reports import report_commit

log = service_logger("commit_reports")
reporting = report_commit()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    try:
        sent = reporting.report(read_report_request(event))
    except Exception as error:
        log_fault(log, "a commit could not be reported", error, commit=event.get("commit"))
        raise
    log.info("commit_reports", extra={"commit": event["commit"], "sent": sent})
    return {"sent": sent}
