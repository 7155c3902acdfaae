"""Translates DynamoDB's refusals into the domain's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from pynamodb.exceptions import PynamoDBException, TransactWriteError

from cadence.adapters.aws.clients import may_succeed_later
from cadence.domain.shared.errors import Conflict, Transient

_CONTENTION = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises Conflict for a failed condition, Transient for throttles, lost connections and missing tables.

    `what` names the item in the message. A missing table is not NotFound: callers drop what they do not find, and would
    lose it.
    """
    try:
        yield
    except TransactWriteError as error:
        codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
        if "ConditionalCheckFailed" in codes:
            raise Conflict(f"{what} is no longer as it was read") from error
        if codes & _CONTENTION or may_succeed_later(error.cause):
            raise Transient(f"{what} is being changed by others") from error
        raise
    except PynamoDBException as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            raise Conflict(f"{what} is no longer as it was read") from error
        if error.cause_response_code == "ResourceNotFoundException":
            raise Transient(f"{what}: the table does not exist") from error
        if may_succeed_later(error.cause):
            raise Transient(f"{what}: the table cannot be reached or is busy") from error
        raise
