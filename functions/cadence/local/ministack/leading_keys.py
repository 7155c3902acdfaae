"""Gives MiniStack the condition key `dynamodb:LeadingKeys`: the partition keys of the items that a request names.

It evaluates conditions on the key as AWS does, but has no values for it, with which every such condition is met. Parts
of a transaction are left so: MiniStack evaluates all of them with one set of values.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions

_PARTITION_KEY = "pk"
"""The partition key of all tables of Cadence."""


def install() -> None:
    """Replaces the function that names the condition keys of a request, which MiniStack looks up for each request."""
    original = iam_actions.dynamodb_service_context

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = original(body)
        keys = leading_keys(body)
        return {**context, "dynamodb:LeadingKeys": keys} if keys else context

    iam_actions.dynamodb_service_context = dynamodb_service_context


def leading_keys(body: bytes) -> list[str]:
    """Returns the partition keys of the item, of the items of a batch, or of the query, that a request names."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    if not isinstance(request, dict):
        return []
    named = [request.get("Item"), request.get("Key"), _queried(request)]
    for part in _values(request.get("RequestItems")):
        # A batch of reads has keys of a table, one of writes has a list of changes.
        named += part.get("Keys") or [] if isinstance(part, dict) else []
        for change in part if isinstance(part, list) else []:
            named += [each.get("Item") or each.get("Key") for each in _values(change) if isinstance(each, dict)]
    keys = [item.get(_PARTITION_KEY) for item in named if isinstance(item, dict)]
    return [str(value) for key in keys if isinstance(key, dict) for value in key.values()]


def _queried(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the key of a query of a table: the value that its condition compares the partition key with."""
    names = request.get("ExpressionAttributeNames") or {}
    found = re.search(r"([#\w]+)\s*=\s*(:\w+)", str(request.get("KeyConditionExpression", "")))
    if found is None or "IndexName" in request or names.get(found[1], found[1]) != _PARTITION_KEY:
        return {}
    return {_PARTITION_KEY: (request.get("ExpressionAttributeValues") or {}).get(found[2])}


def _values(content: Any) -> list[Any]:
    return list(content.values()) if isinstance(content, dict) else []
