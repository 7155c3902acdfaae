"""DynamoDB's refusals in the words of the domain."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pynamodb.exceptions import PynamoDBException, TransactWriteError

from cadence.adapters.aws import may_succeed_later
from cadence.domain.errors import Conflict, Transient

_CONTENTION = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_ATTEMPTS = 10

R = TypeVar("R")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raises Conflict for a failed condition, Transient for throttles, lost connections and tables that are not there.

    `what` names the item in the message. A missing table is not NotFound: whoever drops what is not found would lose it.
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


def pause(attempt: int) -> None:
    """Full jitter between two attempts at what others change at the same time; forty of them take about 10 s."""
    time.sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))


def insisting(call: Callable[[], R]) -> R:
    """Repeats `call` on Transient with full jitter (about 3 s in all): concurrent transactions on one item cancel each other."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return call()
        except Transient:
            time.sleep(random.uniform(0, min(0.8, 0.02 * 2**attempt)))
    return call()
