"""Of a batch, only the records that failed are delivered again, and each failure is logged."""

import logging

import pytest

from cadence.adapters.lambda_runtime.partial_batch import PartialBatch, batch_response
from cadence.domain.shared.errors import Transient

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


@pytest.mark.parametrize("garbage", ["", "not JSON", "[]", "null", '"text"', "1"])
def test_a_message_that_is_no_object_fails_alone(garbage: str, caplog: pytest.LogCaptureFixture) -> None:
    batch = PartialBatch(LOG, "failed")
    bodies = {"a": '{"n": 1}', "b": garbage, "c": '{"n": 3}'}
    read = batch.read_objects({"Records": [{"messageId": key, "body": body} for key, body in bodies.items()]})
    assert read == [("a", {"n": 1}), ("c", {"n": 3})]
    assert batch.failed == ["b"]
    assert caplog.records[0].__dict__["message_id"] == "b"


def test_messages_that_are_processed_together_take_one_call() -> None:
    calls: list[list[int]] = []
    batch = PartialBatch(LOG, "failed")
    assert batch.process_together([("a", 1), ("b", 2)], calls.append) == [("a", 1), ("b", 2)]
    assert batch.process_together([], calls.append) == ()
    assert (calls, batch.failed) == ([[1, 2]], [])


def test_one_bad_message_fails_alone_although_they_are_processed_together(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def process(numbers: list[int]) -> None:
        if 2 in numbers:
            raise KeyError("kind")
        done.extend(numbers)

    batch = PartialBatch(LOG, "failed")
    assert batch.process_together([("a", 1), ("b", 2), ("c", 3)], process) == [("a", 1), ("c", 3)]
    assert (done, batch.failed) == ([1, 3], ["b"])
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_transient_error_concerns_all_messages() -> None:
    calls: list[list[int]] = []

    def process(numbers: list[int]) -> None:
        calls.append(numbers)
        raise Transient("try again")

    batch = PartialBatch(LOG, "failed")
    assert batch.process_together([("a", 1), ("b", 2)], process) == ()
    assert (calls, batch.failed) == ([[1, 2]], ["a", "b"])
