"""Finds and deletes items of any kind by their keys."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.shared.plain_items import Item, plain, query, refusals, wired
from cadence.domain.shared.errors import Conflict, Transient

_AT_ONCE = 25
_ATTEMPTS = 8
_PAUSE = 0.05

Key = tuple[str, str]


def query_items(table: str, partition: str, prefix: str = "", attributes: Sequence[str] = ()) -> Iterator[Item]:
    """Returns the items of a partition with their keys and these attributes."""
    return query(table, partition, prefix, **_projection(attributes))


def list_runs(
    table: str, organization: str, project: str, attributes: Sequence[str] = (), after: str | None = None
) -> Iterator[Item]:
    """Returns the items of a project's runs behind the position `after`, the oldest first, from their index."""
    values = {":scope": f"PROJECT#{organization}#{project}", ":after": after}
    request = {
        "TableName": table,
        "IndexName": "listing",
        "KeyConditionExpression": "#scope = :scope" + (" AND run_id > :after" if after else ""),
        "ExpressionAttributeValues": wired(values),
        **_projection(attributes, {"#scope": "scope"}),
    }
    return _pages("query", "the list of runs", request)


def scan_items(
    table: str, condition: str, names: Mapping[str, str], values: Mapping[str, Any], attributes: Sequence[str] = ()
) -> Iterator[Item]:
    """Returns the items of a whole table that meet a condition, with their keys and these attributes."""
    request = {
        "TableName": table,
        "ConsistentRead": True,
        "FilterExpression": condition,
        **({"ExpressionAttributeValues": wired(values)} if values else {}),
        **_projection(attributes, names),
    }
    return _pages("scan", f"the table {table}", request)


def delete_items(table: str, keys: Iterable[Key]) -> int:
    """Deletes items and returns how many keys there were. Raises Transient; safe to repeat."""
    listed = list(dict.fromkeys(keys))
    for start in range(0, len(listed), _AT_ONCE):
        some = listed[start : start + _AT_ONCE]
        _write(table, [{"DeleteRequest": {"Key": wired({"pk": pk, "sk": sk})}} for pk, sk in some])
    return len(listed)


def put_keys(table: str, keys: Iterable[Key]) -> None:
    """Writes items that have nothing but their keys. Raises Transient; safe to repeat."""
    listed = list(dict.fromkeys(keys))
    for start in range(0, len(listed), _AT_ONCE):
        some = listed[start : start + _AT_ONCE]
        _write(table, [{"PutRequest": {"Item": wired({"pk": pk, "sk": sk})}} for pk, sk in some])


def expire_later(table: str, key: Key, soon: int, later: int) -> bool:
    """Sets the expiry (in seconds since 1970) of an item that would expire before `soon`; returns whether it was so."""
    try:
        with refusals(key[1]):
            client("dynamodb").update_item(
                TableName=table,
                Key=wired({"pk": key[0], "sk": key[1]}),
                UpdateExpression="SET expires_at = :later",
                ConditionExpression="attribute_exists(pk) AND expires_at < :soon",
                ExpressionAttributeValues=wired({":soon": soon, ":later": later}),
            )
    except Conflict:
        return False  # it is gone, or was set later meanwhile
    return True


def replace_attribute(table: str, key: Key, name: str, before: str, after: str) -> None:
    """Replaces the text of an attribute. Raises Conflict if it has another one meanwhile."""
    with refusals(f"{key[1]}"):
        client("dynamodb").update_item(
            TableName=table,
            Key=wired({"pk": key[0], "sk": key[1]}),
            UpdateExpression="SET #name = :after",
            ConditionExpression="#name = :before",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=wired({":before": before, ":after": after}),
        )


def _write(table: str, requests: Sequence[Mapping[str, Any]]) -> None:
    for attempt in range(_ATTEMPTS):
        with refusals(f"items of {table}"):
            answer = client("dynamodb").batch_write_item(RequestItems={table: requests})
        requests = answer.get("UnprocessedItems", {}).get(table, [])
        if not requests:
            return
        time.sleep(_PAUSE * 2**attempt)
    raise Transient(f"The table {table} is too busy to be written.")


def _pages(operation: str, what: str, request: dict[str, Any]) -> Iterator[Item]:
    while True:
        with refusals(what):
            page = getattr(client("dynamodb"), operation)(**request)
        for item in page["Items"]:
            yield plain(item)
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _projection(attributes: Sequence[str], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    aliases = {f"#a{number}": name for number, name in enumerate(attributes)}
    return {
        "ProjectionExpression": ", ".join(("pk", "sk", *aliases)),
        **({"ExpressionAttributeNames": {**aliases, **(names or {})}} if aliases or names else {}),
    }
