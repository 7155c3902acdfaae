"""Of a batch, only the records that failed are delivered again, and each failure is logged."""

import logging

import pytest

from cadence.adapters.lambda_runtime.partial_batch import PartialBatch, batch_response

LOG = logging.getLogger("cadence.test")
EVENT = {"Records": [{"messageId": f"id-{body}", "body": body} for body in ("1", "secret", "3")]}


def test_an_error_of_one_message_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    numbers: list[int] = []
    batch = PartialBatch(LOG, "not a number")
    batch.process_each(EVENT, lambda body: numbers.append(int(body)))
    assert numbers == [1, 3]
    assert batch.failed == ["id-secret"]
    assert batch.response() == {"batchItemFailures": [{"itemIdentifier": "id-secret"}]}
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "not a number")
    assert record.__dict__["message_id"] == "id-secret" and record.__dict__["error"] == ["builtins.ValueError"]
    assert "'secret'" not in str(record.__dict__)


def test_a_batch_without_failures_answers_an_empty_list(caplog: pytest.LogCaptureFixture) -> None:
    batch = PartialBatch(LOG, "failed")
    batch.process_each(EVENT, lambda body: None)
    assert batch.response() == batch_response([]) == {"batchItemFailures": []}
    assert not caplog.records


def test_all_messages_of_one_attempt_fail_together(caplog: pytest.LogCaptureFixture) -> None:
    batch = PartialBatch(LOG, "failed")
    with batch.attempt(["a", "b"], messages=2):
        int("text")
    with batch.attempt(["c"]):
        pass
    assert batch.failed == ["a", "b"]
    assert caplog.records[0].__dict__["messages"] == 2
