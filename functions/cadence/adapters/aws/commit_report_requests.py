"""`CommitReports` on Lambda and SQS.

A report that is due now is an asynchronous call of the Lambda `commit_reports`, which Lambda keeps and repeats. One
that is due later waits as a delayed message of the queue `deliveries`, whose Lambda then makes the call: a queue of its
own would be billed for being polled while nothing happens.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.application.shared.report_ports import ReportRequest

_LONGEST_DELAY = 900


class LambdaCommitReports:
    """Implements CommitReports."""

    def __init__(self, function: str, deliveries_queue_url: str) -> None:
        self._function, self._queue_url = function, deliveries_queue_url

    def request(self, request: ReportRequest, after: timedelta = timedelta()) -> None:
        body = {
            "repository": request.repository_id,
            "commit": request.commit,
            "run": request.run_id,
            "attempt": request.attempt,
            "deferred": request.deferred,
        }
        if after > timedelta():
            # A fraction of a second counts as a whole one: a request that comes too early has to wait again.
            delay = min(int(after.total_seconds()) + 1, _LONGEST_DELAY)
            message = json.dumps({"report": body})
            client("sqs").send_message(QueueUrl=self._queue_url, MessageBody=message, DelaySeconds=delay)
        else:
            client("lambda").invoke(
                FunctionName=self._function, InvocationType="Event", Payload=json.dumps(body).encode()
            )


def read_report_request(values: Mapping[str, Any]) -> ReportRequest:
    """Returns the request that a call or a message of `LambdaCommitReports` holds."""
    return ReportRequest(
        repository_id=values["repository"],
        commit=values["commit"],
        run_id=values["run"],
        attempt=values["attempt"],
        deferred=values["deferred"],
    )
