"""What AWS would bill for one request, told from the request and its answer."""

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

KINESIS_UNIT = 25 * 1024
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_S3_PUTS = frozenset({"PUT", "POST", "COPY"})
_CONDITION_FAILED = "ConditionalCheckFailedException"


def of_dynamodb(action: str, request: Mapping[str, Any], answer: Mapping[str, Any], *, refused: bool) -> Counter[str]:
    """Units as the answer tells them. A write whose condition failed tells none, but is billed: one, or two an item."""
    kind = "read_units" if action in _READS else "write_units"
    if refused:
        name = str(answer.get("__type", "")).rpartition("#")[2]
        if name == "TransactionCanceledException":
            return Counter({kind: 2 * len(request.get("TransactItems", []))})
        return Counter({kind: 1} if name == _CONDITION_FAILED else {})
    consumed = answer.get("ConsumedCapacity", [])
    tables = consumed if isinstance(consumed, list) else [consumed]
    return Counter({kind: sum(float(table["CapacityUnits"]) for table in tables)})


def of_s3(method: str, body_size: int) -> Counter[str]:
    """PUT, COPY, POST and LIST are one price, GET and all else another; deleting is free."""
    if method in _S3_PUTS:
        return Counter(puts=1, stored_bytes=body_size)
    return Counter() if method == "DELETE" else Counter(gets=1)


def of_kinesis(action: str, request: Mapping[str, Any]) -> Counter[str]:
    """A unit is 25 KB of a record, begun."""
    records = request.get("Records", []) if action == "PutRecords" else [request] if action == "PutRecord" else []
    sizes = [len(base64.b64decode(record["Data"])) + len(record["PartitionKey"]) for record in records]
    return Counter(kinesis_put_units=sum(math.ceil(size / KINESIS_UNIT) for size in sizes))


def parsed(body: bytes) -> Mapping[str, Any]:
    """A JSON object, or an empty one for anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
