"""Keys of items about the tests of a pipeline, and how they are read and written."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.shared.plain_items import plain, refusals, wired
from cadence.application.test_reports.ports import BranchScope, PipelineScope
from cadence.domain.shared.errors import Conflict

_KEPT = timedelta(days=90)


def partition_of(kind: str, pipeline: PipelineScope) -> str:
    return f"{kind}#{pipeline.organization}#{pipeline.project}#{pipeline.pipeline}"


def branch_prefix(branch: BranchScope) -> str:
    """Returns the beginning of sort keys of a branch; its name may have any characters and length."""
    return hashlib.sha256(f"{branch.repository}\0{branch.branch}".encode()).hexdigest()[:32] + "#"


def expiry(at: datetime) -> Mapping[str, int]:
    return {"expires_at": int((at + _KEPT).timestamp())}


def put(table: str, item: Mapping[str, Any], **condition: Any) -> None:
    """Stores an item. Raises Conflict if the condition does not hold."""
    with refusals(str(item["sk"])):
        client("dynamodb").put_item(TableName=table, Item=wired(item), **condition)


def put_newest(table: str, item: Mapping[str, Any]) -> None:
    """Stores an item unless there is one with a higher `position`. Safe to repeat."""
    try:
        put(
            table,
            item,
            ConditionExpression="attribute_not_exists(pk) OR #position <= :position",
            ExpressionAttributeNames={"#position": "position"},
            ExpressionAttributeValues=wired({":position": item["position"]}),
        )
    except Conflict:
        return  # there are newer results


def get(table: str, partition: str, sort_key: str) -> dict[str, Any] | None:
    """Returns an item as it is now, None if there is none."""
    with refusals(sort_key):
        answer = client("dynamodb").get_item(
            TableName=table, Key=wired({"pk": partition, "sk": sort_key}), ConsistentRead=True
        )
    return plain(answer["Item"]) if "Item" in answer else None
