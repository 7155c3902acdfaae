"""Lets queries read only the sort keys in their range, as DynamoDB does, for MiniStack.

MiniStack evaluates the key condition for every item of the partition. A run of ten thousand treatments has fifty
thousand
items in one partition, and each treatment queries a handful of them about ten times. Here the sort keys of each
partition
are kept in order, and MiniStack gets only the items in the queried range; it evaluates the rest of the condition
itself.
"""

import re
import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import dynamodb

_ATTRIBUTE, _OPERAND = r"(?P<name>#?\w+)", r"(?P<{}>:\w+)"
_PREFIX = re.compile(rf"begins_with\s*\(\s*{_ATTRIBUTE}\s*,\s*{_OPERAND.format('low')}\s*\)")
_BETWEEN = re.compile(rf"{_ATTRIBUTE}\s+BETWEEN\s+{_OPERAND.format('low')}\s+AND\s+{_OPERAND.format('high')}")
_EQUAL = re.compile(rf"{_ATTRIBUTE}\s*=\s*{_OPERAND.format('low')}")
_LAST = chr(0x10FFFF)

Partition = dict[str, Any]

_set_item = dynamodb._set_item  # noqa: SLF001 (no public way, here and below)
_remove_item = dynamodb._remove_item  # noqa: SLF001
_query = dynamodb._query  # noqa: SLF001
_changing = threading.RLock()
_queried: ContextVar[tuple[str, Partition] | None] = ContextVar("queried", default=None)
"""During a query: the key of its partition, and the items in its range."""


class Partitions(defaultdict[Any, Partition]):
    """The items of a table by partition and sort key, with the sort keys of each partition in order."""

    def __init__(self, partitions: Mapping[Any, Partition]) -> None:
        super().__init__(dict, partitions)
        self.in_order = {key: sorted(partition) for key, partition in partitions.items()}

    def get(self, key: Any, default: Any = None) -> Any:
        """The partition; during a query of it, only the items in the queried range."""
        queried = _queried.get()
        return queried[1] if queried is not None and queried[0] == key else super().get(key, default)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and saves a plain dictionary, as MiniStack expects; the order is rebuilt on loading."""
        return defaultdict, (dict, dict(self))

    def between(self, key: Any, low: str, high: str) -> Partition:
        """The items of a partition with sort keys from `low` to `high`, both included."""
        in_order, partition = self.in_order.get(key, []), super().get(key, {})
        found = in_order[bisect_left(in_order, low) : bisect_right(in_order, high)]
        return {sort_key: partition[sort_key] for sort_key in found}


def install() -> None:
    """Lets MiniStack store and query its tables in this way."""
    dynamodb._set_item = set_item  # noqa: SLF001
    dynamodb._remove_item = remove_item  # noqa: SLF001
    dynamodb._query = query  # noqa: SLF001


def set_item(table: dict[str, Any], key: Any, sort_key: Any, item: Any) -> Any:
    """Stores an item, as all writes do."""
    with _changing:
        partitions = _partitions(table)
        if partitions is not None and sort_key not in dict.get(partitions, key, {}):
            insort(partitions.in_order.setdefault(key, []), sort_key)
        return _set_item(table, key, sort_key, item)


def remove_item(table: dict[str, Any], key: Any, sort_key: Any) -> Any:
    """Removes an item, as all deletions do."""
    with _changing:
        partitions = _partitions(table)
        if partitions is not None and sort_key in dict.get(partitions, key, {}):
            in_order = partitions.in_order[key]
            del in_order[bisect_left(in_order, sort_key)]
            if not in_order:
                del partitions.in_order[key]
        return _remove_item(table, key, sort_key)


def query(data: dict[str, Any]) -> Any:
    """MiniStack's answer to a query, from the items in its range."""
    with _changing:
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")))  # noqa: SLF001
        queried = _narrowed(table, data) if table else None
        token = _queried.set(queried)
        try:
            return _query(data)
        finally:
            _queried.reset(token)


def _narrowed(table: dict[str, Any], data: Mapping[str, Any]) -> tuple[str, Partition] | None:
    """The partition's key and the items in the range; None for a query of an index or of an unknown form, which reads
    all.
    """
    partitions, condition = _partitions(table), data.get("KeyConditionExpression") or ""
    if partitions is None or data.get("IndexName"):
        return None
    names, values = data.get("ExpressionAttributeNames") or {}, data.get("ExpressionAttributeValues") or {}

    def operand(match: re.Match[str], group: str, attribute: str) -> str | None:
        if names.get(match["name"], match["name"]) != attribute:
            return None
        value: str | None = (values.get(match[group]) or {}).get("S")
        return value

    def equal(attribute: str) -> str | None:
        return next(
            (found for match in _EQUAL.finditer(condition) if (found := operand(match, "low", attribute))), None
        )

    key, sort_name = equal(table["pk_name"]), table["sk_name"]
    if key is None:
        return None
    if prefix := _PREFIX.search(condition):
        low = operand(prefix, "low", sort_name)
        return (key, partitions.between(key, low, low + _LAST)) if low else None
    if between := _BETWEEN.search(condition):
        low, high = operand(between, "low", sort_name), operand(between, "high", sort_name)
        return (key, partitions.between(key, low, high)) if low and high else None
    only = equal(sort_name)
    return (key, partitions.between(key, only, only)) if only else None


def _partitions(table: dict[str, Any]) -> Partitions | None:
    """The partitions of a table whose sort keys are texts, else None.

    They are rebuilt after MiniStack replaces a table's items.
    """
    partitions = table["items"]
    if not isinstance(partitions, Partitions):
        if table.get("sk_name") is None or dynamodb._get_attr_type(table, table["sk_name"]) != "S":  # noqa: SLF001
            return None
        partitions = table["items"] = Partitions(partitions)
    return partitions
