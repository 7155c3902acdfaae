"""Batches of records of which only those that failed are delivered again (Lambda's `ReportBatchItemFailures`).

Powertools' batch processor handles one record at a time, so it fits only half of the Lambdas with batches (ADR 26).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault

BatchResponse = dict[str, list[dict[str, str]]]


class PartialBatch:
    """The records of one invocation. An error of one record is logged, and does not stop the others."""

    def __init__(self, log: logging.Logger, failure: str) -> None:
        """`failure` is the text of the log line about a record that failed."""
        self._log, self._failure = log, failure
        self.failed: list[str] = []

    def process_each(self, event: Mapping[str, Any], process: Callable[[str], None]) -> None:
        """Calls `process` with the body of each SQS message of `event`."""
        for record in event["Records"]:
            with self.attempt([record["messageId"]], message_id=record["messageId"]):
                process(record["body"])

    @contextmanager
    def attempt(self, record_ids: Iterable[str], **fields: Any) -> Iterator[None]:
        """Marks `record_ids` as failed if the body raises an error.

        The error is logged with `fields`, and not raised again.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an error of one record must not stop the others
            log_fault(self._log, self._failure, error, **fields)
            self.failed += record_ids

    def response(self) -> BatchResponse:
        """Returns what the Lambda answers."""
        return batch_response(self.failed)


def batch_response(failed: Iterable[str]) -> BatchResponse:
    """Returns a Lambda's answer that has the named records delivered again: message ids (SQS), or sequence numbers."""
    return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in failed]}
