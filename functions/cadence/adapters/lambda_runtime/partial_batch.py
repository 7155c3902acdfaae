"""Batches of records of which only those that failed are delivered again (Lambda's `ReportBatchItemFailures`).

Powertools' batch processor handles one record at a time, so it fits only half of the Lambdas with batches (ADR 26).
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.domain.shared.errors import Transient

T = TypeVar("T")
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

    def read_objects(self, event: Mapping[str, Any]) -> Sequence[tuple[str, dict[str, Any]]]:
        """Returns id and content of each SQS message of `event`; those whose bodies are no JSON objects fail."""
        messages: list[tuple[str, dict[str, Any]]] = []
        for record in event["Records"]:
            with self.attempt([record["messageId"]], message_id=record["messageId"]):
                messages.append((record["messageId"], _json_object(record["body"])))
        return messages

    def process_together(
        self, messages: Sequence[tuple[str, T]], process: Callable[[list[T]], None]
    ) -> Sequence[tuple[str, T]]:
        """Processes messages with one call, and returns those that did not fail.

        After an error each is processed on its own, so that one message does not fail the others; `process` has to be
        safe to repeat. A transient error concerns all of them, which are delivered again.
        """
        if not messages:
            return ()
        try:
            process([content for _, content in messages])
        except Transient as error:
            log_fault(self._log, self._failure, error, messages=len(messages))
            self.failed += [message_id for message_id, _ in messages]
            return ()
        except Exception as error:  # noqa: BLE001 - logged again for the message that it concerns
            if len(messages) > 1:
                self._log.warning("a batch failed; its messages are processed one by one")
                return [one for one in messages if self.process_together([one], process)]
            log_fault(self._log, self._failure, error, message_id=messages[0][0])
            self.failed.append(messages[0][0])
            return ()
        return messages

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


def _json_object(body: str) -> dict[str, Any]:
    content = json.loads(body)
    if not isinstance(content, dict):
        raise TypeError("the body of a message is no JSON object")
    return content
