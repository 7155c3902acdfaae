"""Items as plain mappings, for where a model of fixed attributes does not fit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.domain.shared.errors import Conflict, Transient

Item = Mapping[str, Any]
"""A `str`, `int`, `float`, `bytes` or `bool`; None is left out."""

_CONTENTION = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def wired(item: Item) -> dict[str, dict[str, Any]]:
    """Returns the item in DynamoDB's format."""
    return {name: _wired(value) for name, value in item.items() if value is not None}


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _plain(*next(iter(value.items()))) for name, value in item.items()}


def query(
    table: str, partition: str, prefix: str, *, limit: int | None = None, **more: Any
) -> Iterator[dict[str, Any]]:
    """Returns the items of a partition whose sort key begins so, in order.

    Reads are consistent; `more` is passed on.
    """
    values = {":pk": partition, ":sk": prefix} if prefix else {":pk": partition}
    request = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)" if prefix else "pk = :pk",
        "ExpressionAttributeValues": wired(values),
        "ConsistentRead": True,
        **({"Limit": limit} if limit else {}),
        **more,
    }
    remaining = limit
    while True:
        with refusals(prefix):
            page = client("dynamodb").query(**request)
        for item in page["Items"]:
            yield plain(item)
        remaining = None if remaining is None else remaining - len(page["Items"])
        if "LastEvaluatedKey" not in page or remaining == 0:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Raises Conflict for a failed condition, Transient for throttles, contention and lost connections."""
    try:
        yield
    except ClientError as error:
        codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
        codes.add(error.response.get("Error", {}).get("Code", ""))
        if codes & {"ConditionalCheckFailed", "ConditionalCheckFailedException"}:
            raise Conflict(f"{what} is no longer as it was read") from error
        if codes & _CONTENTION or may_succeed_later(error):
            raise Transient(f"{what}: the table is busy or cannot be reached") from error
        raise


def _wired(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": repr(round(value, 9))}
        case bytes():
            return {"B": value}
    return {"S": value}


def _plain(kind: str, value: Any) -> Any:
    if kind == "N":
        return float(value) if any(mark in value for mark in ".eE") else int(value)
    return bytes(value) if kind == "B" else value
