"""DynamoDB's refusals in the words of the domain."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError
from pynamodb.exceptions import (
    CancellationReason,
    PynamoDBException,
    TransactWriteError,
    UpdateError,
    VerboseClientError,
)

from cadence.adapters.aws import retry
from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.shared import faults
from cadence.domain.shared.errors import CadenceError, Conflict, Transient


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "UpdateItem")


def cancelled(*codes: str | None) -> TransactWriteError:
    reasons = [CancellationReason(code=code) if code else None for code in codes]
    response = {"Error": {"Code": "TransactionCanceledException", "Message": "no"}}
    return TransactWriteError("no", VerboseClientError(response, "TransactWriteItems", cancellation_reasons=reasons))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UpdateError("no", refused("ConditionalCheckFailedException")), Conflict),
        (UpdateError("no", refused("ThrottlingException")), Transient),
        (UpdateError("no", refused("ServiceUnavailable")), Transient),
        (UpdateError("no", refused("ResourceNotFoundException")), Transient),
        (UpdateError("no", ConnectTimeoutError(endpoint_url="there")), Transient),
        (TransactWriteError("no", ConnectTimeoutError(endpoint_url="there")), Transient),
        (TransactWriteError("no", refused("TransactionInProgressException")), Transient),
        (cancelled("ConditionalCheckFailed", None), Conflict),
        (cancelled(None, "TransactionConflict"), Transient),
        (cancelled("TransactionConflict", "ConditionalCheckFailed"), Conflict),
    ],
)
def test_each_refusal_has_its_class(error: PynamoDBException, expected: type[CadenceError]) -> None:
    with pytest.raises(expected, match="the thing"), faults.translated("the thing"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        UpdateError("no", refused("ValidationException")),
        UpdateError("no", ParamValidationError(report="an empty key")),
        cancelled("ValidationError"),
    ],
)
def test_what_is_wrong_in_the_code_is_not_dressed_up(error: PynamoDBException) -> None:
    with pytest.raises(type(error)), faults.translated("the thing"):
        raise error


def test_contention_is_tried_again_and_given_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=waits.append))
    calls = iter([Transient("busy"), Transient("busy"), None])

    def call() -> str:
        if error := next(calls):
            raise error
        return "done"

    assert insisting(call) == "done"
    assert len(waits) == 2
    with pytest.raises(Transient):
        insisting(_busy)
    assert all(0 <= wait <= 1.6 for wait in waits)


def _busy() -> None:
    raise Transient("busy")
